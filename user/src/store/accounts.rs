use runtime::{
    auth::Role,
    db::{Connection, DbError, Row},
};
use uuid::Uuid;

use crate::domain::{Account, Credentials, Email, PasswordHash, Registration, RoleChange};

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
               ON CONFLICT DO NOTHING RETURNING id, email, role, created_at, updated_at";
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
    let sql = "SELECT id, email, role, created_at, updated_at, password_hash FROM accounts WHERE email = $1";
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_opt(&statement, &[&email.as_str()]).await?;
    row.map(|row| {
        Ok(Credentials {
            account: account(&row)?,
            password_hash: PasswordHash::new(row.get("password_hash")?),
        })
    })
    .transpose()
}

pub async fn find(connection: &Connection, id: Uuid) -> Result<Option<Account>, DbError> {
    let statement = connection
        .prepare_cached("SELECT id, email, role, created_at, updated_at FROM accounts WHERE id = $1")
        .await?;
    connection.query_opt(&statement, &[&id]).await?.as_ref().map(account).transpose()
}

/// Oldest first. The nil id starts at the first account.
pub async fn list(connection: &Connection, after: Uuid, limit: usize) -> Result<Vec<Account>, DbError> {
    let sql =
        "SELECT id, email, role, created_at, updated_at FROM accounts WHERE id > $1 ORDER BY id LIMIT $2";
    let statement = connection.prepare_cached(sql).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.query(&statement, &[&after, &limit]).await?.iter().map(account).collect()
}

/// Requires that `actor` is an ADMIN now and an ADMIN remains. Locks all ADMINs by id: when two demote each
/// other, one succeeds.
pub async fn change_role(
    connection: &Connection,
    actor: Uuid,
    id: Uuid,
    role: Role,
) -> Result<RoleChange, DbError> {
    let sql = "WITH admins AS MATERIALIZED (SELECT a.id FROM accounts a WHERE a.role = 'ADMIN' ORDER BY a.id FOR UPDATE),
                    allowed AS (SELECT (SELECT count(*) FROM admins WHERE admins.id = $1) = 1 AS is_admin,
                                       $3 = 'ADMIN' OR (SELECT count(*) FROM admins WHERE admins.id <> $2) > 0 AS is_left),
                    changed AS (UPDATE accounts SET role = $3, updated_at = CASE WHEN role = $3 THEN updated_at ELSE now() END
                                WHERE id = $2 AND (SELECT is_admin AND is_left FROM allowed)
                                RETURNING id, email, role, created_at, updated_at)
               SELECT allowed.is_admin, allowed.is_left, changed.* FROM allowed LEFT JOIN changed ON true";
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_one(&statement, &[&actor, &id, &role.as_str()]).await?;
    Ok(match (row.get("is_admin")?, row.get("is_left")?, row.get::<Option<Uuid>>("id")?) {
        (false, ..) => RoleChange::NotAdmin,
        (_, _, Some(_)) => RoleChange::Changed(account(&row)?),
        (_, true, None) => RoleChange::Absent,
        (_, false, None) => RoleChange::LastAdmin,
    })
}

fn account(row: &Row) -> Result<Account, DbError> {
    Ok(Account {
        id: row.get("id")?,
        email: Email::from_stored(row.get("email")?),
        // Any value that a later CHECK allows must not become ADMIN.
        role: if row.get::<&str>("role")? == Role::Admin.as_str() { Role::Admin } else { Role::User },
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
