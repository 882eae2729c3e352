//! Migrations, run by whichever instance comes first while the others wait.

use refinery::Runner;
use tokio_postgres::NoTls;

use crate::settings::DatabaseSettings;

/// Key of the advisory lock: "orderflo" in ASCII. Any constant will do; this one can be recognised in `pg_locks`.
const LOCK: i64 = 0x6f72_6465_7266_6c6f;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("cannot reach PostgreSQL to migrate: {0}")]
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
