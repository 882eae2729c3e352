//! `shopctl`, the command line of Orderflow, and the local stack behind `shopctl up`.
//!
//! | module | content |
//! | --- | --- |
//! | [`cli`], [`commands`] | the command line; one command a file |
//! | [`context`] | addresses and credentials, from options and state file |
//! | [`api`] | the client of the services over HTTP |
//! | [`stack`] | PostgreSQL, Redis and the services as processes; the trials run on it too |
//! | [`state`] | the file with the addresses and passwords of the stack of `up` |
//! | [`load`], [`client_log`] | a load of orders, and the log of its requests and responses |
//! | [`verify`] | checks of the invariants against databases, streams and a client log |
//! | [`instance`], [`wait`] | operations endpoints of one instance; waits with a deadline |
//! | [`demo`] | demo products and demo orders |
//! | [`terminal`], [`exit`] | output for people, and exit codes |

pub mod api;
pub mod cli;
pub mod client_log;
pub mod commands;
pub mod context;
pub mod demo;
pub mod exit;
pub mod instance;
pub mod load;
pub mod stack;
pub mod state;
pub mod terminal;
pub mod verify;
pub mod wait;
