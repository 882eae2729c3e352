//! Private PostgreSQL and Redis servers as child processes, for `shopctl up` and the tests.
//!
//! - **Private.** Loopback only, each with its own folder, port and password: see [`password`].
//! - **Unprivileged.** Root starts servers as `postgres` or `nobody`: see [`account`].
//! - **Tied to their parent.** A server ends with its starter, even after SIGKILL: see [`child`].
//! - **Durable.** A restart after `kill -9` waits until the killed server has ended, and finds every
//!   acknowledged write.
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
mod password;
pub mod ports;
mod postgres;
pub mod processes;
mod programs;
mod redis;
mod server;

pub use error::ServerError;
pub use occupancy::wait_until_vacant;
pub use password::through_port;
pub use postgres::{Durability, Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
