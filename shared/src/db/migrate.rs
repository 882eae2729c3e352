//! The schema: brought up to date by whichever instance comes first while the others wait, or, where the program that serves
//! may not change tables, by the command `migrate` beforehand.

use std::time::Duration;

use refinery::Runner;
use tokio_postgres::{Client, Config, error::SqlState};

use super::{Driver, connect, error::chain};
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
    /// With `migrate-on-start` off, and nobody has run `migrate`.
    #[error("the schema is at version {found}, and this program needs {needed}: run its command `migrate` with the owner's database-url")]
    Outdated { found: i32, needed: i32 },
}

impl MigrationError {
    /// Whether waiting may help: a server that is coming up, or a `migrate` that is under way.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::Outdated { .. })
    }
}

/// Brings the schema up to date on a connection of its own, holding an advisory lock (refinery takes none).
///
/// # Errors
/// PostgreSQL cannot be reached, or a migration fails; the failed one is rolled back.
pub async fn migrate(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    let (mut client, driver) = open(settings).await?;
    let driver = actix_rt::spawn(driver);
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let report = runner.run_async(&mut client).await?;
    for migration in report.applied_migrations() {
        tracing::info!(migration = %migration, "migrated");
    }
    drop(client); // ends the session, and with it the lock
    _ = driver.await;
    Ok(())
}

/// Looks whether the schema is what this program needs, or newer: an older instance goes on while a newer one is rolled out.
async fn check(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    let needed = runner.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or_default();
    let (client, driver) = open(settings).await?;
    let driver = actix_rt::spawn(driver);
    let found = applied(&client).await?;
    drop(client);
    _ = driver.await;
    if found < needed { Err(MigrationError::Outdated { found, needed }) } else { Ok(()) }
}

/// The last migration that was applied; 0 when there was none.
async fn applied(client: &Client) -> Result<i32, tokio_postgres::Error> {
    match client.query_one("SELECT max(version) FROM refinery_schema_history", &[]).await {
        Ok(row) => Ok(row.get::<_, Option<i32>>(0).unwrap_or_default()),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error),
    }
}

async fn open(settings: &DatabaseSettings) -> Result<(Client, Driver), tokio_postgres::Error> {
    let mut config: Config = settings.url.config();
    // No statement timeout here: a migration of a large table takes the time it takes.
    config.connect_timeout(settings.connect_timeout).application_name("orderflow-migrate");
    connect(&config).await
}

/// Sees to it that the schema is there, waiting for a PostgreSQL that is still coming up, as it does when a whole stack is
/// started at once. With `migrate-on-start` it is brought up to date, without it is waited for. `migrations` makes their list,
/// once per attempt.
///
/// # Errors
/// As [`migrate`], once waiting has not helped for [`PATIENCE`].
pub async fn prepare(settings: &DatabaseSettings, migrations: impl Fn() -> Runner) -> Result<(), MigrationError> {
    let started = std::time::Instant::now();
    loop {
        let done = if settings.migrate_on_start { migrate(settings, migrations()).await } else { check(settings, migrations()).await };
        match done {
            Err(error) if error.may_pass() && started.elapsed() < PATIENCE => {
                tracing::warn!(%error, "the database is not ready yet; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            other => return other,
        }
    }
}
