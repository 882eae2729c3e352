//! The first instance migrates the schema under a lock while the others wait. A program accepts a newer
//! schema, so each migration keeps everything that the previous version uses.

use std::{error::Error, future::Future, time::Duration};

use refinery::Runner;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, config::TargetSessionAttrs, error::SqlState};

use super::{DatabaseSettings, DbError, Fault, connect, durability::warn_unless_durable};

/// "orderflo" in ASCII, easy to recognise in `pg_locks`.
const LOCK_KEY: i64 = 0x6f72_6465_7266_6c6f;
/// A container of PostgreSQL takes up to half a minute for its first start.
pub const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// For queries that touch a few rows.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// The reason why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("PostgreSQL cannot run a migration: {0}")]
    Database(#[from] DbError),
    #[error("a migration failed: {0}")]
    Migration(#[from] refinery::Error),
    /// `migrate-on-start` is off, and `migrate` has still to run.
    #[error(
        "the schema is at version {found}, and this program needs {needed}: run the command \
         `migrate` with the database-url of the owner"
    )]
    Outdated {
        /// The newest applied version.
        found: i32,
        /// The newest version of this program.
        needed: i32,
    },
    /// The schema lacks a migration older than its newest.
    #[error(
        "the schema is at version {found} without version {missing}: it belongs to another branch of this \
         program"
    )]
    Foreign {
        /// The newest applied version.
        found: i32,
        missing: i32,
    },
}

impl MigrationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => error.is_transient(),
            Self::Migration(error) => {
                fault(error).is_some_and(|fault| matches!(fault, Fault::Lost | Fault::Contention))
            }
            Self::Outdated { .. } => true,
            Self::Foreign { .. } => false,
        }
    }
}

fn fault(error: &refinery::Error) -> Option<Fault> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<tokio_postgres::Error>() {
            return Some(super::error::classify(error));
        }
        source = cause.source();
    }
    None
}

/// Migrates under an advisory lock (refinery takes none); a failed migration is rolled back.
pub async fn migrate(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    with_client(settings, async |client| {
        lock(client).await?;
        // A migration may run for any time, but its wait for a table lock blocks all others, so it is
        // bounded.
        within_limit(
            client.batch_execute(&format!("SET lock_timeout = {}", settings.statement_timeout.as_millis())),
        )
        .await?;
        let runner = runner.set_abort_missing(false); // a newer program may have added migrations
        let report = runner.run_async(client).await?;
        for migration in report.applied_migrations() {
            tracing::info!(migration = %migration, "migrated");
        }
        refuse_other_branch(&runner, &applied(client).await?)
    })
    .await
}

async fn check(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    with_client(settings, async |client| {
        let applied = applied(client).await?;
        let found = newest(&applied);
        let needed = newest(&versions(&runner));
        if found < needed {
            Err(MigrationError::Outdated { found, needed })
        } else {
            refuse_other_branch(&runner, &applied)
        }
    })
    .await
}

/// Refinery skips migrations older than the newest applied one.
fn refuse_other_branch(runner: &Runner, applied: &[i32]) -> Result<(), MigrationError> {
    let found = newest(applied);
    match versions(runner).into_iter().find(|version| *version < found && !applied.contains(version)) {
        Some(missing) => Err(MigrationError::Foreign { found, missing }),
        None => Ok(()),
    }
}

fn versions(runner: &Runner) -> Vec<i32> {
    runner.get_migrations().iter().map(|migration| migration.version()).collect()
}

fn newest(versions: &[i32]) -> i32 {
    versions.iter().copied().max().unwrap_or_default()
}

async fn applied(client: &Client) -> Result<Vec<i32>, DbError> {
    let history = async {
        match client.query("SELECT version FROM refinery_schema_history", &[]).await {
            Ok(rows) => Ok(rows.iter().map(|row| row.get(0)).collect()),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    };
    within_limit(history).await
}

/// Polls: a waiting session would outlast every time limit of this client.
async fn lock(client: &Client) -> Result<(), DbError> {
    while !within_limit(client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK_KEY]))
        .await?
        .get::<_, bool>(0)
    {
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    Ok(())
}

/// Sets no statement timeout. Closing the connection releases the lock.
async fn with_client<T>(
    settings: &DatabaseSettings,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    let mut config = settings.url.config();
    config.connect_timeout(settings.connect_timeout).application_name("orderflow-migrate");
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    let (mut client, driver) = connect(&config).await?;
    let driver = actix_rt::spawn(driver);
    let done = work(&mut client).await;
    if done.is_ok() {
        within_limit(warn_unless_durable(&client)).await?;
    }
    drop(client);
    _ = timeout(QUERY_TIMEOUT, driver).await;
    done
}

async fn within_limit<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    timeout(QUERY_TIMEOUT, answer)
        .await
        .map_or_else(|_| Err(DbError::timed_out(QUERY_TIMEOUT)), |answer| Ok(answer?))
}

/// Migrates with `migrate-on-start`, otherwise waits for another process to do so; waits for PostgreSQL
/// without limit.
///
/// # Errors
/// As [`migrate`], if a retry cannot cure it.
pub async fn prepare(
    settings: &DatabaseSettings,
    migrations: impl Fn() -> Runner,
) -> Result<(), MigrationError> {
    prepare_within(settings, Duration::MAX, migrations).await
}

/// [`prepare`] with a limit, for a command that must end.
pub async fn prepare_within(
    settings: &DatabaseSettings,
    limit: Duration,
    migrations: impl Fn() -> Runner,
) -> Result<(), MigrationError> {
    let started = Instant::now();
    let mut last_logged = None::<Instant>;
    loop {
        let attempt = async {
            if settings.migrate_on_start {
                migrate(settings, migrations()).await
            } else {
                check(settings, migrations()).await
            }
        };
        match log_while_waiting(attempt).await {
            Err(error) if error.is_transient() && started.elapsed() < limit => {
                if last_logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
                    tracing::warn!(%error, "the database is not ready; retrying");
                    last_logged = Some(Instant::now());
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            done => return done,
        }
    }
}

async fn log_while_waiting<T>(attempt: impl Future<Output = T>) -> T {
    let mut attempt = std::pin::pin!(attempt);
    let began = Instant::now();
    loop {
        match timeout(LOG_INTERVAL, &mut attempt).await {
            Ok(done) => return done,
            Err(_) => {
                tracing::warn!(
                    waited = ?began.elapsed(),
                    "the schema is still being migrated, by this or another instance"
                )
            }
        }
    }
}
