//! Payment against real servers.

mod catalogue;
mod lists;
mod races;
mod retries;
mod shop;
mod waiting;
