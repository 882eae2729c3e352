//! Payment against real servers: what two statements do at the same time, and what becomes of what the
//! provider or inventory does not do.

mod catalogue;
mod lists;
mod races;
mod retries;
mod shop;
