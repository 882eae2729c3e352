//! Migrations, run by whichever instance comes first while the others wait.

use std::time::Duration;

use refinery::Runner;
use tokio_postgres::NoTls;

use super::error::chain;
use crate::settings::DatabaseSettings;

/// Key of the advisory lock: "orderflo" in ASCII. Any constant will do; this one can be recognised in `pg_locks`.
const LOCK: i64 = 0x6f72_6465_7266_6c6f;

/// How long a service waits for its database at start: a container of PostgreSQL needs up to half a minute for its first start.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("cannot reach PostgreSQL to migrate: {}", chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("a migration failed: {0}")]
    Migration(#[from] refinery::Error),
}

/// Brings the schema up to date on a connection of its own, holding an advisory lock (refinery takes none).
///
/// # Errors
/// PostgreSQL cannot be reached, or a migration fails; the failed one is rolled back.
pub async fn migrate(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    let mut config = settings.url.config();
    // No statement timeout here: a migration of a large table takes the time it takes.
    config.connect_timeout(settings.connect_timeout).application_name("orderflow-migrate");
    let (mut client, connection) = config.connect(NoTls).await?;
    let driver = actix_rt::spawn(connection);
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let report = runner.run_async(&mut client).await?;
    for migration in report.applied_migrations() {
        tracing::info!(migration = %migration, "migrated");
    }
    drop(client); // ends the session, and with it the lock
    _ = driver.await;
    Ok(())
}

/// As [`migrate`], but waits for a PostgreSQL that is still coming up, as it does when a whole stack is started at once.
/// `runner` makes the list of migrations, once per attempt.
///
/// # Errors
/// As [`migrate`], once PostgreSQL has not been reachable for [`PATIENCE`].
pub async fn migrate_when_reachable(settings: &DatabaseSettings, runner: impl Fn() -> Runner) -> Result<(), MigrationError> {
    let started = std::time::Instant::now();
    loop {
        match migrate(settings, runner()).await {
            Err(MigrationError::Postgres(error)) if started.elapsed() < PATIENCE => {
                tracing::warn!(error = chain(&error), "PostgreSQL is not reachable yet; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            other => return other,
        }
    }
}
