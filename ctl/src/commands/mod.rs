//! One command a file.

pub mod admin;
pub mod audit;
pub mod clients;
pub mod completions;
pub mod dead_letters;
pub mod demo;
pub mod keys;
pub mod load;
pub mod man;
pub mod order;
pub mod orders;
pub mod products;
pub mod rehearse;
pub mod seed;
pub mod stock;
pub mod streams;
pub mod token;
pub mod up;
pub mod users;
pub mod verify;
pub mod watch;
