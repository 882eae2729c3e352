use std::time::{Duration, Instant};

use tempfile::TempDir;

use runtime::db::DatabaseSettings;
use servers::{Postgres, PostgresOptions, account::scratch_dir};

use super::settings::database_settings;

/// A PostgreSQL with `fsync`, because benches measure the cost of a commit.
#[derive(Debug)]
pub struct DurablePostgres {
    // Dropped in order: the server before its folder.
    server: Postgres,
    _folder: TempDir,
}

impl DurablePostgres {
    /// Starts with one empty database.
    pub async fn start() -> Self {
        let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for PostgreSQL: {error}"));
        let server = Postgres::start(PostgresOptions::new(folder.path().join("postgres"))).await;
        let server = server.unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}"));
        server.create_database("bench", None).await.unwrap_or_else(|error| panic!("no database: {error}"));
        Self { server, _folder: folder }
    }

    /// The default settings, with the URL.
    #[must_use]
    pub fn settings(&self) -> DatabaseSettings {
        database_settings(&self.server.url("bench"))
    }
}

/// The total time of `times` runs of `work`, each after an untimed `prepare`.
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
