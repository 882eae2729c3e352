use jiff::Timestamp;
use runtime::auth::Role;
use uuid::Uuid;

use super::{Email, PasswordHash};

/// An account that can log in. The role is USER or ADMIN. SERVICE is a role of tokens only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub email: Email,
    pub role: Role,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An account and the hash of its password.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub account: Account,
    pub password_hash: PasswordHash,
}

/// The result of an attempt to change a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChange {
    Changed(Account),
    /// The account does not exist.
    Absent,
    /// The requesting account is not an ADMIN now, whatever its token claims.
    NotAdmin,
    /// The account is the only ADMIN.
    LastAdmin,
}

/// The result of an attempt to create an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    Created(Account),
    EmailTaken,
}
