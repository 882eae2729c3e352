//! PostgreSQL: the truth. Connections that are judged by what the server says on them, migrations under a
//! lock, and group commit.
//!
//! | pool | connections | for |
//! | --- | --- | --- |
//! | [`Database::open`], [`Database::beside`] | 4 each | relay, reconciler, operations, what an actor looks up: one for each arbiter |
//! | `Database::writer` | 1 each | each [`GroupCommit`] actor: nobody it could wait for |
//! | [`Database::requests`] | `database-pool-size` | what HTTP requests ask for, one row or one page each |

mod batch;
mod check;
mod connect;
mod connection;
mod database;
mod durability;
mod error;
mod group_commit;
mod health;
mod migrate;
mod row;
mod settings;
mod write;

pub use connect::{Driver, connect};
pub use connection::Connection;
pub use database::{Database, forbid_on_this_thread};
pub use error::{DbError, Fault};
pub use group_commit::{Commit, Commits, GroupCommit};
pub use migrate::{MigrationError, STARTUP_TIMEOUT, migrate, prepare, prepare_within};
pub use row::Row;
pub use settings::DatabaseSettings;
pub use write::{CommitError, OutputSender, Write};
