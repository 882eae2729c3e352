//! One command a file.

pub mod admin;
pub mod audit;
pub mod clients;
pub mod completions;
pub mod dead_letters;
pub mod demo;
pub mod keys;
pub mod load;
pub mod order;
pub mod rehearse;
pub mod seed;
pub mod streams;
pub mod token;
pub mod up;
pub mod verify;
pub mod watch;
