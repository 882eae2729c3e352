use std::time::Duration;

use runtime::db::{Connection, DbError, Row};
use uuid::Uuid;

use super::{
    accounts::role,
    revocations::{ISSUED_AT, NOT_BEFORE, issued_at, revoke},
};
use crate::domain::{Account, Credentials, Rotation, Session, Standing};

/// Of one account; the least recently used ones end first.
const MOST_SESSIONS: i64 = 100;
const ENDED: &str = "SELECT id, not_before FROM ended";

/// Begins a session of the account of `shown`, unless it was disabled or got another e-mail or password meanwhile:
/// `None`. A repeated call with the same id begins one session.
pub async fn begin(
    connection: &Connection,
    id: Uuid,
    shown: &Credentials,
    token_hash: &[u8],
    life: Duration,
) -> Result<Option<Standing>, DbError> {
    let sql = format!(
        "WITH owner AS (SELECT id, role, {ISSUED_AT} FROM accounts
                        WHERE id = $2 AND email = $6 AND password_hash = $7 AND disabled_at IS NULL FOR SHARE),
              begun AS (INSERT INTO sessions (id, account_id, expires_at) SELECT $1, id, now() + $4 * interval '1 second' FROM owner
                        ON CONFLICT DO NOTHING RETURNING id),
              added AS (INSERT INTO refresh_tokens (token_hash, session_id) SELECT $3, id FROM begun),
              ended AS (DELETE FROM sessions WHERE account_id = $2 AND (expires_at < now() OR id IN
                        (SELECT id FROM sessions WHERE account_id = $2 ORDER BY last_used_at DESC OFFSET $5)))
         SELECT role, issued_at FROM owner"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let others = MOST_SESSIONS - 1;
    let Credentials { account: Account { id: account, email, .. }, password_hash } = shown;
    let (email, hash, life) = (email.as_str(), password_hash.as_str(), life.as_secs_f64());
    let row =
        connection.query_opt(&statement, &[&id, account, &token_hash, &life, &others, &email, &hash]).await?;
    row.as_ref().map(|row| Ok(Standing { role: role(row)?, issued_at: issued_at(row)? })).transpose()
}

/// Exchanges a token for the next one of its session. The second of two calls at once waits for the first, and
/// ends the session. A repeated call with the same `next` rotates once.
pub async fn rotate(
    connection: &Connection,
    shown: &[u8],
    next: &[u8],
    life: Duration,
) -> Result<Rotation, DbError> {
    // The account first, as whoever changes it does.
    let sql = format!(
        "WITH owner AS (
             SELECT id, email, role, disabled_at, created_at, updated_at, sessions_from, {ISSUED_AT} FROM accounts
             WHERE disabled_at IS NULL AND id =
                 (SELECT s.account_id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = $1)
             FOR SHARE
         ), used AS (
             UPDATE refresh_tokens t SET replaced_by = $2 FROM sessions s JOIN owner o ON o.id = s.account_id
             WHERE t.token_hash = $1 AND t.replaced_by IS NULL AND s.id = t.session_id AND s.expires_at > now() AND s.created_at > o.sessions_from
             RETURNING t.session_id, o.*
         ), added AS (
             INSERT INTO refresh_tokens (token_hash, session_id) SELECT $2, session_id FROM used
         ), continued AS (
             UPDATE sessions SET last_used_at = now(), expires_at = now() + $3 * interval '1 second' WHERE id IN (SELECT session_id FROM used)
         ), forgotten AS (
             DELETE FROM refresh_tokens WHERE session_id IN (SELECT session_id FROM used) AND created_at < now() - $3 * interval '1 second'
         )
         SELECT * FROM used"
    );
    let statement = connection.prepare_cached(&sql).await?;
    if let Some(row) = connection.query_opt(&statement, &[&shown, &next, &life.as_secs_f64()]).await? {
        return rotated(&row);
    }
    let sql = format!(
        "SELECT t.session_id, t.replaced_by, s.expires_at > now() AND a.disabled_at IS NULL AND s.created_at > a.sessions_from AS is_open,
                a.id, a.email, a.role, a.disabled_at, a.created_at, a.updated_at, {ISSUED_AT}
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN accounts a ON a.id = s.account_id
         WHERE t.token_hash = $1 FOR SHARE OF a"
    );
    let found = connection.query_opt(&connection.prepare_cached(&sql).await?, &[&shown]).await?;
    let Some(row) = found else { return Ok(Rotation::Invalid) };
    let account: Uuid = row.get("id")?;
    match (row.get::<Option<Vec<u8>>>("replaced_by")?, row.get("is_open")?) {
        (Some(replacement), true) if replacement == next => rotated(&row),
        (Some(_), _) => {
            end(connection, account, row.get("session_id")?).await?;
            Ok(Rotation::Reused { account })
        }
        (None, _) => Ok(Rotation::Invalid),
    }
}

fn rotated(row: &Row) -> Result<Rotation, DbError> {
    let standing = Standing { role: role(row)?, issued_at: issued_at(row)? };
    Ok(Rotation::Rotated { account: row.get("id")?, session: row.get("session_id")?, standing })
}

/// The open sessions, last used first.
pub async fn list(connection: &Connection, account: Uuid) -> Result<Vec<Session>, DbError> {
    let sql = "SELECT id, created_at, last_used_at, expires_at FROM sessions
               WHERE account_id = $1 AND expires_at > now() ORDER BY last_used_at DESC, id";
    let statement = connection.prepare_cached(sql).await?;
    connection.query(&statement, &[&account]).await?.iter().map(session).collect()
}

/// Ends one session and revokes its tokens; false if the account has none with this id.
pub async fn end(connection: &Connection, account: Uuid, id: Uuid) -> Result<bool, DbError> {
    let revoke = revoke(ENDED);
    let sql = format!(
        "WITH ended AS (DELETE FROM sessions WHERE account_id = $1 AND id = $2 RETURNING id, {NOT_BEFORE}),
              revoked AS ({revoke})
         SELECT FROM ended"
    );
    let statement = connection.prepare_cached(&sql).await?;
    Ok(connection.query_opt(&statement, &[&account, &id]).await?.is_some())
}

/// Ends the session of a token, or all sessions of its account, and revokes their tokens. A used or expired token
/// ends its own session only.
pub async fn end_by_token(connection: &Connection, shown: &[u8], all: bool) -> Result<Option<Uuid>, DbError> {
    let revoke = revoke(ENDED);
    let sql = format!(
        "WITH ended AS (DELETE FROM sessions WHERE id IN (
                  SELECT o.id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
                  JOIN sessions o ON o.account_id = s.account_id AND ($2 AND t.replaced_by IS NULL AND s.expires_at > now() OR o.id = s.id)
                  WHERE t.token_hash = $1) RETURNING id, account_id, {NOT_BEFORE}),
              revoked AS ({revoke})
         SELECT account_id FROM ended LIMIT 1"
    );
    let ended = connection.query_opt(&connection.prepare_cached(&sql).await?, &[&shown, &all]).await?;
    ended.map(|row| row.get(0)).transpose()
}

fn session(row: &Row) -> Result<Session, DbError> {
    Ok(Session {
        id: row.get("id")?,
        created_at: row.get("created_at")?,
        last_used_at: row.get("last_used_at")?,
        expires_at: row.get("expires_at")?,
    })
}
