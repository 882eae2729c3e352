//! Private PostgreSQL and Redis servers as child processes, and the processes of this machine ([`processes`],
//! [`affinity`]).
//!
//! `shopctl up` runs on them, and so does the testing kit, where many live side by side. What they promise:
//!
//! - **Private.** Loopback only, no Unix socket, a folder and a port of their own. Nothing is installed or
//!   enabled.
//! - **Never root.** Started by root they run as `postgres` (or `nobody`), through `setpriv`: see
//!   [`account`].
//! - **Never orphans.** A server ends with the process that started it, even when that one is killed with
//!   SIGKILL: see [`child`].
//! - **Durable.** The folder outlives the server. A restart after `kill -9` finds every acknowledged write,
//!   and never runs beside what is left of the killed server.
//!
//! ```text
//! Postgres / Redis ──> Launcher (setpriv: account, death signal) ──> Child (thread that starts and reaps it)
//!        │                                                                   │
//!        └── ports (a free one, or who holds it)                  LogFile <──┘ (last lines into the error)
//! ```

pub mod account;
pub mod affinity;
pub mod child;
mod error;
mod log_file;
mod occupancy;
pub mod ports;
mod postgres;
pub mod processes;
mod programs;
mod redis;
mod server;

pub use error::ServerError;
pub use occupancy::wait_until_vacant;
pub use postgres::{Durability, Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
