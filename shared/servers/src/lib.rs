//! Private PostgreSQL and Redis servers as child processes, and the processes of this machine ([`processes`],
//! [`affinity`]).
//!
//! `shopctl up` and the test kit run on them; tests run several side by side. The servers are:
//!
//! - **Private.** Loopback only, without a Unix socket, each with its own folder and port. The system stays
//!   unchanged: no package is installed, no unit enabled.
//! - **Unprivileged.** A server started by root runs as `postgres` (or `nobody`), through `setpriv`: see
//!   [`account`].
//! - **Tied to their parent.** A server ends with the process that started it, even after SIGKILL: see
//!   [`child`].
//! - **Durable.** The folder outlives the server. A restart after `kill -9` finds every acknowledged write,
//!   and waits until all processes of the killed server have ended.
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
