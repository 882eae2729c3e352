use std::time::Duration;

use crate::db::{Database, DatabaseSettings, DbError};

/// A statement of this size ends well within its time limit.
const AT_ONCE: i64 = 10_000;

/// Deletes records older than `retention`, as the owner of the table: the role of a service has no right to. A
/// failure is logged, and leaves them to the next call.
pub async fn forget_old(settings: &DatabaseSettings, retention: Duration) {
    match try_to_forget(settings, retention).await {
        Ok(0) => {}
        Ok(records) => tracing::info!(records, ?retention, "old records of the audit trail are deleted"),
        Err(error) => tracing::warn!(%error, "old records of the audit trail stay"),
    }
}

async fn try_to_forget(settings: &DatabaseSettings, retention: Duration) -> Result<u64, DbError> {
    let Ok(database) = Database::open("audit-retention", settings) else { return Ok(0) };
    let connection = database.connection().await?;
    let sql = "DELETE FROM audit WHERE at <= (
                   SELECT max(at) FROM (SELECT at FROM audit WHERE at < now() - $1 * interval '1 second' ORDER BY at LIMIT $2) AS oldest)";
    let statement = connection.prepare_cached(sql).await?;
    let mut forgotten = 0;
    loop {
        match connection.execute(&statement, &[&retention.as_secs_f64(), &AT_ONCE]).await? {
            0 => return Ok(forgotten),
            some => forgotten += some,
        }
    }
}
