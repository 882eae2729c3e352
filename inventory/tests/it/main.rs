//! Inventory against real servers.

mod changes;
mod search;
mod second_event;
