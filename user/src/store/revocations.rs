//! Access tokens that end before they expire.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use runtime::db::{Connection, DbError};
use uuid::Uuid;

/// Longer than any access token lives (24 h), for clocks that differ.
const KEPT_FOR: Duration = Duration::from_secs(25 * 60 * 60);

/// Unix time in milliseconds by the clock that dates tokens.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Revokes the subjects that `SELECT subject FROM …` finds at `moment`, a parameter. To be a CTE of a statement
/// that ends sessions or changes accounts.
pub(super) fn revoke(select: &str, moment: u8) -> String {
    format!(
        "INSERT INTO revocations (subject, not_before) SELECT subject, ${moment} FROM ({select}) AS s
         ON CONFLICT (subject) DO UPDATE SET not_before = greatest(revocations.not_before, excluded.not_before)"
    )
}

/// All revocations that may still matter; removes the others.
pub async fn current(connection: &Connection) -> Result<HashMap<Uuid, u64>, DbError> {
    let oldest = now() - i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let forget = connection.prepare_cached("DELETE FROM revocations WHERE not_before < $1").await?;
    connection.execute(&forget, &[&oldest]).await?;
    let statement = connection.prepare_cached("SELECT subject, not_before FROM revocations").await?;
    let rows = connection.query(&statement, &[]).await?;
    let revocation = |row: &runtime::db::Row| {
        Ok((row.get("subject")?, u64::try_from(row.get::<i64>("not_before")?).unwrap_or_default()))
    };
    rows.iter().map(revocation).collect()
}
