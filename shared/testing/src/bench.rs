//! For benches: a database that waits for the disk, and time without what had to be prepared.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use runtime::settings::DatabaseSettings;
use servers::{Postgres, PostgresOptions, account::scratch_dir};

use super::settings::database_settings;

/// A PostgreSQL of its own with `fsync` on, unlike the one of the tests: what a commit costs is what is
/// measured.
#[derive(Debug)]
pub struct DurablePostgres {
    // The server is stopped before its folder is removed.
    server: Postgres,
    _folder: TempDir,
}

impl DurablePostgres {
    /// Starts it, with one empty database.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for PostgreSQL: {error}"));
        let server = Postgres::start(PostgresOptions::new(folder.path().join("postgres"))).await;
        let server = server.unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}"));
        server.create_database("bench", None).await.unwrap_or_else(|error| panic!("no database: {error}"));
        Self { server, _folder: folder }
    }

    /// The default settings, on its database.
    #[must_use]
    pub fn settings(&self) -> DatabaseSettings {
        database_settings(&self.server.url("bench"))
    }
}

/// How long `work` took so many `times`; what `prepare` does before each of them does not count.
pub async fn timed<T>(
    times: u64,
    mut prepare: impl AsyncFnMut() -> T,
    mut work: impl AsyncFnMut(T),
) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let prepared = prepare().await;
        let began = Instant::now();
        work(prepared).await;
        took += began.elapsed();
    }
    took
}
