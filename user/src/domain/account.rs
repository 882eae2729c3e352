use jiff::Timestamp;
use runtime::auth::Role;
use uuid::Uuid;

use super::{Email, PasswordHash};

/// The role is USER or ADMIN; SERVICE is for tokens only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub email: Email,
    pub role: Role,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Credentials {
    pub account: Account,
    pub password_hash: PasswordHash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChange {
    Changed(Account),
    Absent,
    /// The requesting account is no ADMIN now, whatever its token claims.
    NotAdmin,
    LastAdmin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    Created(Account),
    EmailTaken,
}
