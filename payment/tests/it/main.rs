//! Payment against real servers.

mod books;
mod catalogue;
mod lists;
mod races;
mod retries;
mod shop;
mod waiting;
