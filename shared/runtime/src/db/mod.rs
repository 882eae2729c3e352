//! PostgreSQL, the source of truth.
//!
//! | pool | connections | use |
//! | --- | --- | --- |
//! | [`Database::open`], [`Database::beside`] | 4 | background work of one arbiter |
//! | `Database::writer` | 1 | one [`GroupCommit`] |
//! | [`Database::requests`] | `database-pool-size` | reads of HTTP requests |

mod batch;
mod check;
mod commit_span;
mod connect;
mod connection;
mod database;
mod durability;
mod error;
mod group_commit;
mod health;
mod migrate;
mod retry;
mod row;
mod settings;
mod write;

pub use connect::{Driver, connect};
pub use connection::{Connection, Parameter};
pub use database::{Database, forbid_on_this_thread};
pub use error::{DbError, Failure, Fault};
pub use group_commit::{Commit, Commits, GroupCommit};
pub use migrate::{MigrationError, STARTUP_TIMEOUT, migrate, prepare, prepare_within};
pub use row::Row;
pub use settings::DatabaseSettings;
pub use write::{OutputSender, Write};
