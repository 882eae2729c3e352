//! Inventory against real servers.

mod changes;
mod second_event;
