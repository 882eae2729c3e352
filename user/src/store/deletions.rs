//! Accounts that end for good. Orders keep the id of their account, which says nothing without this row.

use runtime::db::{Connection, DbError};
use uuid::Uuid;

use super::revocations::revoke;
use crate::domain::{Deletion, PasswordHash};

/// Who ends an account.
#[derive(Debug, Clone, Copy)]
pub enum Deleter<'a> {
    /// With the stored hash of the password shown.
    Owner(&'a PasswordHash),
    /// An enabled ADMIN, or the deletion is refused.
    Admin(Uuid),
}

/// Deletes an account with its sessions and login attempts, and revokes its tokens. An enabled ADMIN remains:
/// all of them are locked, as in [`super::accounts::change`]. `moment` is that of the revocation, by which a
/// repeated call finds what it did.
pub async fn delete(
    connection: &Connection,
    id: Uuid,
    deleter: Deleter<'_>,
    moment: i64,
) -> Result<Deletion, DbError> {
    let revoke = revoke("SELECT id, $4 FROM deleted");
    let sql = format!(
        "WITH admins AS MATERIALIZED (SELECT id FROM accounts WHERE role = 'ADMIN' AND disabled_at IS NULL ORDER BY id FOR UPDATE),
              allowed AS (SELECT $2::uuid IS NULL OR EXISTS (SELECT FROM admins WHERE id = $2) AS may,
                                 EXISTS (SELECT FROM admins WHERE id <> $1) OR NOT EXISTS (SELECT FROM admins WHERE id = $1) AS is_left),
              deleted AS (DELETE FROM accounts WHERE id = $1 AND (SELECT may AND is_left FROM allowed)
                              AND ($3::text IS NULL OR password_hash = $3 AND disabled_at IS NULL)
                          RETURNING id, email),
              forgotten AS (DELETE FROM login_attempts WHERE email_hash IN (SELECT sha256(convert_to(email, 'UTF8')) FROM deleted)),
              revoked AS ({revoke})
         SELECT may, is_left, EXISTS (SELECT FROM deleted)
                OR EXISTS (SELECT FROM revocations WHERE subject = $1 AND not_before = $4) AND NOT EXISTS (SELECT FROM accounts WHERE id = $1) AS is_gone
         FROM allowed"
    );
    let (actor, hash) = match deleter {
        Deleter::Owner(hash) => (None, Some(hash.as_str())),
        Deleter::Admin(actor) => (Some(actor), None),
    };
    let statement = connection.prepare_cached(&sql).await?;
    let row = connection.query_one(&statement, &[&id, &actor, &hash, &moment]).await?;
    Ok(match (row.get("is_gone")?, row.get("may")?, row.get("is_left")?) {
        (true, ..) => Deletion::Deleted,
        (_, false, _) => Deletion::NotAdmin,
        (_, _, false) => Deletion::LastAdmin,
        (_, _, true) => Deletion::Absent,
    })
}
