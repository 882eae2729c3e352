use jiff::Timestamp;
use runtime::{
    auth::Role,
    db::{Connection, DbError, Row},
};
use uuid::Uuid;

use super::revocations::{NOT_BEFORE, revoke};
use crate::domain::{
    Account, AccountChange, Change, Credentials, Email, EmailChange, PasswordHash, Registration,
};

const EMAIL_UNIQUE: &str = "accounts_email_unique";

/// The id makes the insert idempotent: safe to retry after a lost connection.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub id: Uuid,
    pub email: Email,
    pub password_hash: PasswordHash,
    pub role: Role,
}

/// A repeated call with the same id returns the first account.
pub async fn insert(connection: &Connection, new: &NewAccount) -> Result<Registration, DbError> {
    let sql = "INSERT INTO accounts (id, email, password_hash, role) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING id, email, role, disabled_at, created_at, updated_at";
    let statement = connection.prepare_cached(sql).await?;
    let email = new.email.as_str();
    let hash = new.password_hash.as_str();
    let role = new.role.as_str();
    if let Some(row) = connection.query_opt(&statement, &[&new.id, &email, &hash, &role]).await? {
        return Ok(Registration::Created(account(&row)?));
    }
    let existing = find_by_email(connection, &new.email).await?;
    Ok(match existing {
        Some(existing) if existing.account.id == new.id => Registration::Created(existing.account),
        _ => Registration::EmailTaken,
    })
}

pub async fn find_by_email(connection: &Connection, email: &Email) -> Result<Option<Credentials>, DbError> {
    let sql = "SELECT id, email, role, disabled_at, created_at, updated_at, password_hash FROM accounts WHERE email = $1";
    let statement = connection.prepare_cached(sql).await?;
    connection.query_opt(&statement, &[&email.as_str()]).await?.as_ref().map(credentials).transpose()
}

pub async fn find_credentials(connection: &Connection, id: Uuid) -> Result<Option<Credentials>, DbError> {
    let sql = "SELECT id, email, role, disabled_at, created_at, updated_at, password_hash FROM accounts WHERE id = $1";
    let statement = connection.prepare_cached(sql).await?;
    connection.query_opt(&statement, &[&id]).await?.as_ref().map(credentials).transpose()
}

fn credentials(row: &Row) -> Result<Credentials, DbError> {
    Ok(Credentials { account: account(row)?, password_hash: PasswordHash::new(row.get("password_hash")?) })
}

/// Replaces a password, ends all sessions, and revokes all tokens. False if `old` is no longer the password.
pub async fn change_password(
    connection: &Connection,
    id: Uuid,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, DbError> {
    // A repeated statement finds the new hash.
    let revoke = revoke("SELECT id, not_before FROM changed");
    let sql = format!(
        "WITH changed AS (UPDATE accounts SET password_hash = $3, updated_at = now(), sessions_from = clock_timestamp()
                          WHERE id = $1 AND password_hash IN ($2, $3) RETURNING id, {NOT_BEFORE}),
              ended AS (DELETE FROM sessions WHERE account_id IN (SELECT id FROM changed)),
              revoked AS ({revoke})
         SELECT FROM changed"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let changed = connection.query_opt(&statement, &[&id, &old.as_str(), &new.as_str()]).await?;
    Ok(changed.is_some())
}

/// Replaces the e-mail of an enabled account, ends all sessions, and revokes all tokens. `None` if `password` is no
/// longer the password.
pub async fn change_email(
    connection: &Connection,
    id: Uuid,
    password: &PasswordHash,
    email: &Email,
) -> Result<Option<EmailChange>, DbError> {
    let revoke = revoke("SELECT id, not_before FROM changed");
    let sql = format!(
        "WITH changed AS (UPDATE accounts SET email = $3, updated_at = now(), sessions_from = clock_timestamp()
                          WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL
                          RETURNING id, email, role, disabled_at, created_at, updated_at, {NOT_BEFORE}),
              ended AS (DELETE FROM sessions WHERE account_id IN (SELECT id FROM changed)),
              revoked AS ({revoke})
         SELECT * FROM changed"
    );
    let statement = connection.prepare_cached(&sql).await?;
    match connection.query_opt(&statement, &[&id, &password.as_str(), &email.as_str()]).await {
        Ok(row) => row.as_ref().map(account).transpose().map(|account| account.map(EmailChange::Changed)),
        Err(error) if error.violates(EMAIL_UNIQUE) => Ok(Some(EmailChange::EmailTaken)),
        Err(error) => Err(error),
    }
}

/// Gives an ADMIN another password and enables it, ends all sessions, and revokes all tokens. `None` if no ADMIN has
/// this e-mail.
pub async fn reset_admin(
    connection: &Connection,
    email: &Email,
    password: &PasswordHash,
) -> Result<Option<Account>, DbError> {
    let revoke = revoke("SELECT id, not_before FROM changed");
    let sql = format!(
        "WITH changed AS (UPDATE accounts SET password_hash = $2, disabled_at = NULL, updated_at = now(), sessions_from = clock_timestamp()
                          WHERE email = $1 AND role = 'ADMIN'
                          RETURNING id, email, role, disabled_at, created_at, updated_at, {NOT_BEFORE}),
              ended AS (DELETE FROM sessions WHERE account_id IN (SELECT id FROM changed)),
              revoked AS ({revoke})
         SELECT * FROM changed"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let changed = connection.query_opt(&statement, &[&email.as_str(), &password.as_str()]).await?;
    changed.as_ref().map(account).transpose()
}

pub async fn find(connection: &Connection, id: Uuid) -> Result<Option<Account>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT id, email, role, disabled_at, created_at, updated_at FROM accounts WHERE id = $1",
        )
        .await?;
    connection.query_opt(&statement, &[&id]).await?.as_ref().map(account).transpose()
}

/// Whether the account is an enabled ADMIN now.
pub async fn is_admin(connection: &Connection, id: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT FROM accounts WHERE id = $1 AND role = 'ADMIN' AND disabled_at IS NULL";
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.query_opt(&statement, &[&id]).await?.is_some())
}

/// Oldest first. The nil id starts at the first account.
pub async fn list(connection: &Connection, after: Uuid, limit: usize) -> Result<Vec<Account>, DbError> {
    let sql = "SELECT id, email, role, disabled_at, created_at, updated_at FROM accounts WHERE id > $1 ORDER BY id LIMIT $2";
    let statement = connection.prepare_cached(sql).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.query(&statement, &[&after, &limit]).await?.iter().map(account).collect()
}

/// Requires that `actor` is an enabled ADMIN now and that one remains. Locks all ADMINs by id: when two demote
/// each other, one succeeds. A change revokes all tokens of the account; disabling also ends its
/// sessions.
pub async fn change(
    connection: &Connection,
    actor: Uuid,
    id: Uuid,
    change: Change,
) -> Result<AccountChange, DbError> {
    let revoke = revoke("SELECT id, not_before FROM changed WHERE updated_at = now()");
    let sql = format!("WITH admins AS MATERIALIZED (SELECT a.id FROM accounts a WHERE a.role = 'ADMIN' AND a.disabled_at IS NULL
                                            ORDER BY a.id FOR UPDATE),
                    allowed AS (SELECT (SELECT count(*) FROM admins WHERE admins.id = $1) = 1 AS is_admin,
                                       (coalesce($3, 'ADMIN') = 'ADMIN' AND NOT coalesce($4, false))
                                       OR (SELECT count(*) FROM admins WHERE admins.id <> $2) > 0 AS is_left),
                    changed AS (UPDATE accounts SET role = coalesce($3, role),
                                    sessions_from = CASE WHEN $4 THEN clock_timestamp() ELSE sessions_from END,
                                    disabled_at = CASE WHEN $4 THEN coalesce(disabled_at, now()) WHEN NOT $4 THEN NULL ELSE disabled_at END,
                                    updated_at = CASE WHEN role = coalesce($3, role) AND (disabled_at IS NOT NULL) = coalesce($4, disabled_at IS NOT NULL)
                                                      THEN updated_at ELSE now() END
                                WHERE id = $2 AND (SELECT is_admin AND is_left FROM allowed)
                                RETURNING id, email, role, disabled_at, created_at, updated_at, {NOT_BEFORE}),
                    ended AS (DELETE FROM sessions WHERE account_id IN (SELECT id FROM changed WHERE disabled_at IS NOT NULL)),
                    revoked AS ({revoke})
               SELECT allowed.is_admin, allowed.is_left, changed.* FROM allowed LEFT JOIN changed ON true");
    let statement = connection.prepare_cached(&sql).await?;
    let role = change.role.map(Role::as_str);
    let row = connection.query_one(&statement, &[&actor, &id, &role, &change.disabled]).await?;
    Ok(match (row.get("is_admin")?, row.get("is_left")?, row.get::<Option<Uuid>>("id")?) {
        (false, ..) => AccountChange::NotAdmin,
        (_, _, Some(_)) => AccountChange::Changed(account(&row)?),
        (_, true, None) => AccountChange::Absent,
        (_, false, None) => AccountChange::LastAdmin,
    })
}

/// Any value that a later CHECK allows must not become ADMIN.
pub(super) fn role(row: &Row) -> Result<Role, DbError> {
    Ok(if row.get::<&str>("role")? == Role::Admin.as_str() { Role::Admin } else { Role::User })
}

fn account(row: &Row) -> Result<Account, DbError> {
    Ok(Account {
        id: row.get("id")?,
        email: Email::from_stored(row.get("email")?),
        disabled: row.get::<Option<Timestamp>>("disabled_at")?.is_some(),
        role: role(row)?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
