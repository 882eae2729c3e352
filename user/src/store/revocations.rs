//! Access tokens that end before they expire.
//!
//! The clock of PostgreSQL dates both the tokens and the ends of tokens. A token is dated under a lock of its account
//! or client, and so is its end: a login that is under way meanwhile is either seen and ended, or refused.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use runtime::db::{Connection, DbError, Row};
use uuid::Uuid;

/// For clocks that differ, and the leeway of verifiers.
const MARGIN: Duration = Duration::from_secs(60);

/// The moment of a token in Unix milliseconds.
pub(super) const ISSUED_AT: &str = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS issued_at";
/// Ends the tokens of this millisecond too.
pub(super) const NOT_BEFORE: &str =
    "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + 1 AS not_before";

/// A moment after which no token of a deleted account is dated, in Unix milliseconds.
pub fn after_deletion() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + MARGIN;
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// The moment of a token, from a column [`ISSUED_AT`].
pub(super) fn issued_at(row: &Row) -> Result<u64, DbError> {
    Ok(u64::try_from(row.get::<i64>("issued_at")?).unwrap_or_default())
}

/// Revokes the subjects that `SELECT subject, not_before FROM …` finds. To be a CTE of a statement that ends
/// sessions or changes accounts.
pub(super) fn revoke(select: &str) -> String {
    format!(
        "INSERT INTO revocations (subject, not_before) {select}
         ON CONFLICT (subject) DO UPDATE SET not_before = greatest(revocations.not_before, excluded.not_before)"
    )
}

/// All revocations younger than an access token may be; removes the others. Hundred logouts a second leave
/// 66,000 of them, at a life of ten minutes.
pub async fn current(connection: &Connection, token_life: Duration) -> Result<HashMap<Uuid, u64>, DbError> {
    let kept = i64::try_from((token_life + MARGIN).as_millis()).unwrap_or(i64::MAX);
    let sql = "DELETE FROM revocations WHERE not_before < extract(epoch FROM now()) * 1000 - $1::bigint";
    connection.execute(&connection.prepare_cached(sql).await?, &[&kept]).await?;
    let statement = connection.prepare_cached("SELECT subject, not_before FROM revocations").await?;
    let rows = connection.query(&statement, &[]).await?;
    let revocation = |row: &Row| {
        Ok((row.get("subject")?, u64::try_from(row.get::<i64>("not_before")?).unwrap_or_default()))
    };
    rows.iter().map(revocation).collect()
}
