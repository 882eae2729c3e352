//! Access tokens that end before they expire.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use runtime::db::{Connection, DbError};
use uuid::Uuid;

/// For clocks that differ, and the leeway of verifiers.
const MARGIN: Duration = Duration::from_secs(60);

/// Unix time in milliseconds by the clock that dates tokens.
pub fn now() -> i64 {
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

/// All revocations younger than an access token may be; removes the others. Hundred logouts a second leave
/// 66,000 of them, at a life of ten minutes.
pub async fn current(connection: &Connection, token_life: Duration) -> Result<HashMap<Uuid, u64>, DbError> {
    let kept = i64::try_from((token_life + MARGIN).as_millis()).unwrap_or(i64::MAX);
    let oldest = now().saturating_sub(kept);
    let forget = connection.prepare_cached("DELETE FROM revocations WHERE not_before < $1").await?;
    connection.execute(&forget, &[&oldest]).await?;
    let statement = connection.prepare_cached("SELECT subject, not_before FROM revocations").await?;
    let rows = connection.query(&statement, &[]).await?;
    let revocation = |row: &runtime::db::Row| {
        Ok((row.get("subject")?, u64::try_from(row.get::<i64>("not_before")?).unwrap_or_default()))
    };
    rows.iter().map(revocation).collect()
}
