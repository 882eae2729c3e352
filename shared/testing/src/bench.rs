//! For benches: a database with `fsync`, and a timer that excludes the preparation.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use runtime::db::DatabaseSettings;
use servers::{Postgres, PostgresOptions, account::scratch_dir};

use super::settings::database_settings;

/// A dedicated PostgreSQL with `fsync` on, because benches measure the cost of a commit. The PostgreSQL of
/// the tests has it off.
#[derive(Debug)]
pub struct DurablePostgres {
    // Fields drop in order: the server stops before its folder is removed.
    server: Postgres,
    _folder: TempDir,
}

impl DurablePostgres {
    /// Starts the server with one empty database.
    ///
    /// # Panics
    /// The server does not start.
    pub async fn start() -> Self {
        let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for PostgreSQL: {error}"));
        let server = Postgres::start(PostgresOptions::new(folder.path().join("postgres"))).await;
        let server = server.unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}"));
        server.create_database("bench", None).await.unwrap_or_else(|error| panic!("no database: {error}"));
        Self { server, _folder: folder }
    }

    /// The default settings, with the URL of the database.
    #[must_use]
    pub fn settings(&self) -> DatabaseSettings {
        database_settings(&self.server.url("bench"))
    }
}

/// The total duration of `times` runs of `work`, without `prepare` before each of them.
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
