use jiff::Timestamp;
use runtime::auth::Role;
use uuid::Uuid;

use super::{Email, PasswordHash};

/// Somebody who can log in. Its role is USER or ADMIN; SERVICE is never an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub email: Email,
    pub role: Role,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An account and what its password is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub account: Account,
    pub password_hash: PasswordHash,
}

/// How an attempt to give an account a role ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChange {
    Changed(Account),
    /// There is no such account.
    Absent,
    /// The account that asks is no ADMIN any more, whatever its token says.
    NotAdmin,
    /// Nobody else is ADMIN.
    LastAdmin,
}

/// How an attempt to create an account ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    Created(Account),
    EmailTaken,
}
