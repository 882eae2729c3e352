//! `shopctl`, the command line of Orderflow, and the local stack behind `shopctl up`.

pub mod api;
pub mod cli;
pub mod client_log;
pub mod commands;
pub mod context;
pub mod demo;
pub mod exit;
pub mod instance;
mod interrupt;
pub mod load;
pub mod stack;
pub mod state;
pub mod terminal;
mod tls;
pub mod values;
pub mod verify;
pub mod wait;

/// Version and commit.
pub const VERSION: &str = build_info::DESCRIPTION;
