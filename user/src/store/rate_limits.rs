//! Calls of all instances, by the rule of [`runtime::limits::RateLimit`] and the clock of PostgreSQL.

use std::time::Duration;

use runtime::{
    db::{Connection, DbError},
    limits::Policy,
};

/// Counts one call of `key`, unless it is one too many; then returns the time to wait. Each call removes ten rows
/// whose allowance is whole.
pub async fn count(connection: &Connection, policy: Policy, key: &str) -> Result<Option<Duration>, DbError> {
    let sql = "WITH forgotten AS (DELETE FROM rate_limits WHERE (name, key) IN
                   (SELECT name, key FROM rate_limits WHERE whole_at < now() AND (name, key) <> ($1, $2)
                    ORDER BY whole_at LIMIT 10 FOR UPDATE SKIP LOCKED))
               INSERT INTO rate_limits AS l (name, key, whole_at) VALUES ($1, $2, now() + $3 * interval '1 second')
               ON CONFLICT (name, key) DO UPDATE SET whole_at = greatest(l.whole_at, now()) + $3 * interval '1 second'
               WHERE l.whole_at <= now() + ($4 - $3) * interval '1 second'
               RETURNING name";
    let statement = connection.prepare_cached(sql).await?;
    let (interval, window) = (policy.interval().as_secs_f64(), policy.window.as_secs_f64());
    if connection.query_opt(&statement, &[&policy.name, &key, &interval, &window]).await?.is_some() {
        return Ok(None);
    }
    let sql =
        "SELECT extract(epoch FROM whole_at - now())::float8 FROM rate_limits WHERE name = $1 AND key = $2";
    let row = connection.query_opt(&connection.prepare_cached(sql).await?, &[&policy.name, &key]).await?;
    let left: Option<f64> = row.map(|row| row.get(0)).transpose()?;
    Ok(Some(Duration::from_secs_f64((left.unwrap_or_default() + interval - window).max(0.0))))
}
