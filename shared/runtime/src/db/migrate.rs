//! The schema: brought up to date by whichever instance comes first while the others wait, or, where the
//! program that serves may not change tables, by the command `migrate` beforehand.
//!
//! A program goes on with a schema that is newer than its own: an older instance serves while a newer one is
//! rolled out, and may be restarted. Each migration leaves what the version before it reads and writes.

use std::{error::Error, future::Future, time::Duration};

use refinery::Runner;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, config::TargetSessionAttrs, error::SqlState};

use super::{DatabaseSettings, DbError, Fault, connect, durability::warn_unless_durable};

/// Key of the advisory lock: "orderflo" in ASCII. Any constant will do; this one can be recognised in
/// `pg_locks`.
const LOCK_KEY: i64 = 0x6f72_6465_7266_6c6f;
/// How long the command `migrate` waits for its database: a container of PostgreSQL needs up to half a minute
/// for its first start.
pub const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);
/// Time between two attempts.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Time between two lines about what a start waits for.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a query that touches a few rows.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("PostgreSQL is of no use for a migration: {0}")]
    Database(#[from] DbError),
    #[error("a migration failed: {0}")]
    Migration(#[from] refinery::Error),
    /// With `migrate-on-start` off, and nobody has run `migrate`.
    #[error(
        "the schema is at version {found}, and this program needs {needed}: run its command `migrate` with the owner's database-url"
    )]
    Outdated { found: i32, needed: i32 },
    /// Two histories: somebody else's migrations are there, and not all of ours.
    #[error(
        "the schema is at version {found} without version {missing}: it belongs to another line of this program"
    )]
    Foreign { found: i32, missing: i32 },
}

impl MigrationError {
    /// Whether waiting may help: a server that is coming up, a table that somebody holds, or a `migrate` that
    /// is under way.
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

/// What PostgreSQL said to refinery.
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

/// Brings the schema up to date on a connection of its own, holding an advisory lock (refinery takes none).
///
/// # Errors
/// PostgreSQL cannot be reached, or a migration fails; the failed one is rolled back.
pub async fn migrate(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    with_client(settings, async |client| {
        lock(client).await?;
        // A migration of a large table takes the time it takes; but while it waits for a table, nobody else
        // gets at that table.
        within_limit(
            client.batch_execute(&format!("SET lock_timeout = {}", settings.statement_timeout.as_millis())),
        )
        .await?;
        let runner = runner.set_abort_missing(false); // what a newer program has added is not among ours
        let report = runner.run_async(client).await?;
        for migration in report.applied_migrations() {
            tracing::info!(migration = %migration, "migrated");
        }
        refuse_other_branch(&runner, &applied(client).await?)
    })
    .await
}

/// Looks whether the schema is what this program needs, or newer.
async fn check(settings: &DatabaseSettings, runner: Runner) -> Result<(), MigrationError> {
    with_client(settings, async |client| {
        let applied = applied(client).await?;
        let (found, needed) = (newest(&applied), newest(&versions(&runner)));
        if found < needed {
            Err(MigrationError::Outdated { found, needed })
        } else {
            refuse_other_branch(&runner, &applied)
        }
    })
    .await
}

/// refinery leaves out what is older than the newest one there: such a schema lacks something for good.
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

/// The migrations that were applied.
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

/// Takes the lock of all that migrate. Asks again and again, for a session that waits in the server cannot be
/// heard.
async fn lock(client: &Client) -> Result<(), DbError> {
    while !within_limit(client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK_KEY]))
        .await?
        .get::<_, bool>(0)
    {
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    Ok(())
}

/// `work` on a connection without a statement timeout, which is gone afterwards, and with it the lock.
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

/// Sees to it that the schema is there, waiting as long as it takes for a PostgreSQL that is still coming up,
/// or away. With `migrate-on-start` it is brought up to date, without it is waited for. `migrations` makes
/// their list, once per attempt.
///
/// # Errors
/// As [`migrate`], if waiting does not help.
pub async fn prepare(
    settings: &DatabaseSettings,
    migrations: impl Fn() -> Runner,
) -> Result<(), MigrationError> {
    prepare_within(settings, Duration::MAX, migrations).await
}

/// The same, for a command that must end.
///
/// # Errors
/// As [`migrate`], once waiting has not helped for `limit`.
pub async fn prepare_within(
    settings: &DatabaseSettings,
    limit: Duration,
    migrations: impl Fn() -> Runner,
) -> Result<(), MigrationError> {
    let (started, mut last_logged) = (Instant::now(), None::<Instant>);
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
                    tracing::warn!(%error, "the database is not ready yet; trying again");
                    last_logged = Some(Instant::now());
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// A start that waits says so.
async fn log_while_waiting<T>(attempt: impl Future<Output = T>) -> T {
    let (mut attempt, began) = (std::pin::pin!(attempt), Instant::now());
    loop {
        match timeout(LOG_INTERVAL, &mut attempt).await {
            Ok(done) => return done,
            Err(_) => {
                tracing::warn!(waited = ?began.elapsed(), "still at the schema: it is being migrated, here or by another instance")
            }
        }
    }
}
