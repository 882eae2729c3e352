use std::time::Duration;

use crate::settings::{DatabaseUrl, Source};

/// The settings of a database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    /// Off: wait for another process.
    pub migrate_on_start: bool,
    /// Per instance, for reads of HTTP requests.
    pub pool_size: usize,
    /// For a free connection, and for a new one to one address.
    pub connect_timeout: Duration,
    /// Also `lock_timeout` and `idle_in_transaction_session_timeout`.
    pub statement_timeout: Duration,
    /// A batch is retried for this time.
    pub commit_deadline: Duration,
    pub commit_batch: usize,
    /// Minimum between background commits under load.
    pub commit_interval: Duration,
}

impl DatabaseSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        Self {
            url: source.required(
                "database-url",
                "postgres://orderflow:secret@127.0.0.1:5432/orderflow",
                "PostgreSQL database of this service",
            ),
            migrate_on_start: source.value(
                "migrate-on-start",
                "on",
                "migrate the schema at the start; off: wait for the command `migrate`, so that database-url \
                 needs no right to change tables",
            ),
            pool_size: source.within(
                "database-pool-size",
                "8",
                2..=256,
                "PostgreSQL connections for reads of HTTP requests; writers and background work have their \
                 own",
            ),
            connect_timeout: source.value(
                "database-connect-timeout",
                "1s",
                "longest wait for a free connection, or for a new one to one address of the server",
            ),
            // Handler (2 s) < statement (3 s) < claim idle (10 s): a handler ends before its event can be
            // claimed.
            statement_timeout: source.value(
                "database-statement-timeout",
                "3s",
                "statement, lock and idle-in-transaction timeout; at most 1s for reads of HTTP requests",
            ),
            commit_deadline: source.value(
                "commit-deadline",
                "2s",
                "time during which a batch is retried after a lost connection",
            ),
            commit_batch: source.within(
                "commit-batch",
                "512",
                1..=10_000,
                "largest number of items in one transaction of the group commit",
            ),
            commit_interval: source.value(
                "commit-interval",
                "8ms",
                "minimum time between two commits of background work under load; up to twelve times as long \
                 after large batches",
            ),
        }
    }
}
