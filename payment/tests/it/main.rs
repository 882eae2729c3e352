//! Payment against real servers: concurrent statements, and a provider or inventory that fails.

mod catalogue;
mod lists;
mod races;
mod retries;
mod shop;
