//! `shopctl`, the command line of Orderflow, and the local stack behind `shopctl up`.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`], [`commands`] | the command line; one command a file |
//! | [`context`] | where the services are and who we are, from options and state file |
//! | [`api`] | the services over HTTP, the only way in |
//! | [`stack`] | PostgreSQL, Redis and the services as processes; the trials run on it too |
//! | [`state`] | the file by which `up` tells the other commands addresses and passwords |
//! | [`load`], [`client_log`] | customers who order, and what they did and saw |
//! | [`verify`] | the invariants, judged from databases, streams and a client's log |
//! | [`instance`], [`wait`] | the operations of one instance; waits with a deadline |
//! | [`demo`] | products and orders to show |
//! | [`terminal`], [`exit`] | how things look, and exit codes |

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
