//! The settings of a database.

use std::time::Duration;

use crate::settings::{DatabaseUrl, Source};

#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    /// Whether this process brings the schema up to date itself, or waits until somebody has.
    pub migrate_on_start: bool,
    /// Connections for what HTTP requests ask for.
    pub pool_size: usize,
    /// How long to wait for a free connection, or for one address of the server to make a new one.
    pub connect_timeout: Duration,
    /// `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` of every connection.
    pub statement_timeout: Duration,
    /// How long a batch of the group commit is tried again after a lost connection before its writers are
    /// told.
    pub commit_deadline: Duration,
    /// Most rows in one transaction of the group commit.
    pub commit_batch: usize,
    /// Shortest time between two commits of a writer whose callers are in no hurry.
    pub commit_interval: Duration,
}

impl DatabaseSettings {
    /// Reads what a process needs to reach its database.
    pub fn read(source: &mut Source) -> Self {
        Self {
            url: source.required(
                "database-url",
                "postgres://orderflow:secret@127.0.0.1:5432/orderflow",
                "this service's own PostgreSQL database",
            ),
            migrate_on_start: source.value(
                "migrate-on-start",
                "on",
                "off: the schema is left to the command `migrate`, so that database-url needs no right to change tables",
            ),
            pool_size: source.within(
                "database-pool-size",
                "8",
                2..=256,
                "PostgreSQL connections for what HTTP requests ask for; writers and work in the background have their own",
            ),
            connect_timeout: source.value(
                "database-connect-timeout",
                "1s",
                "wait for a free connection, or for one address of the server to make a new one",
            ),
            // Handler (2 s) < statement (3 s) < claim idle (10 s): a claimed event never races its first
            // handler.
            statement_timeout: source.value(
                "database-statement-timeout",
                "3s",
                "statement, lock and idle-in-transaction timeout; what a request asks for has 1s at most",
            ),
            commit_deadline: source.value("commit-deadline", "2s", "how long a batch is tried again after a lost connection"),
            commit_batch: source.within("commit-batch", "512", 1..=10_000, "most items in one transaction of the group commit"),
            commit_interval: source.value(
                "commit-interval",
                "8ms",
                "shortest time between two commits of what no request waits for and comes in numbers; up to six times as long for hundreds",
            ),
        }
    }
}
