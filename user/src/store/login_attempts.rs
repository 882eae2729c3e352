//! Logins since the last right password. Instances count together.

use std::time::Duration;

use aws_lc_rs::digest;
use runtime::db::{Connection, DbError};

use crate::domain::{Admission, AttemptLimits, Email};

/// Counts one attempt before its password is checked, so that guesses made at once count. Attempts are forgotten
/// a day after the last one; each call removes ten forgotten rows.
pub async fn admit(
    connection: &Connection,
    email: &Email,
    limits: AttemptLimits,
) -> Result<Admission, DbError> {
    let sql = "WITH forgotten AS (DELETE FROM login_attempts WHERE email_hash <> $1 AND email_hash IN
                   (SELECT email_hash FROM login_attempts WHERE last_at < now() - interval '1 day' ORDER BY last_at LIMIT 10 FOR UPDATE SKIP LOCKED))
               INSERT INTO login_attempts AS a (email_hash, attempts, last_at, blocked_until)
               VALUES ($1, 1, now(), CASE WHEN $2 <= 1 THEN now() + $3 * interval '1 second' ELSE now() END)
               ON CONFLICT (email_hash) DO UPDATE SET last_at = now(),
                   attempts = CASE WHEN a.last_at < now() - interval '1 day' THEN 1 ELSE a.attempts + 1 END,
                   blocked_until = now() + CASE WHEN a.last_at < now() - interval '1 day' OR a.attempts + 1 < $2 THEN 0
                       ELSE least($3 * 2 ^ least(a.attempts + 1 - $2, 30), $4) END * interval '1 second'
               WHERE a.blocked_until <= now()
               RETURNING attempts";
    let statement = connection.prepare_cached(sql).await?;
    let key = hash(email);
    let (block, longest) = (limits.block.as_secs_f64(), limits.longest_block.as_secs_f64());
    if connection.query_opt(&statement, &[&key, &limits.attempts, &block, &longest]).await?.is_some() {
        return Ok(Admission::Admitted);
    }
    let sql =
        "SELECT extract(epoch FROM blocked_until - now())::float8 FROM login_attempts WHERE email_hash = $1";
    let row = connection.query_opt(&connection.prepare_cached(sql).await?, &[&key]).await?;
    let left: Option<f64> = row.map(|row| row.get(0)).transpose()?;
    Ok(Admission::Blocked(Duration::from_secs_f64(left.unwrap_or_default().max(0.0).ceil())))
}

/// After a right password.
pub async fn forget(connection: &Connection, email: &Email) -> Result<(), DbError> {
    let statement = connection.prepare_cached("DELETE FROM login_attempts WHERE email_hash = $1").await?;
    connection.execute(&statement, &[&hash(email)]).await.map(drop)
}

fn hash(email: &Email) -> Vec<u8> {
    digest::digest(&digest::SHA256, email.as_str().as_bytes()).as_ref().to_vec()
}
