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
    /// Neither logs in nor refreshes.
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Credentials {
    pub account: Account,
    pub password_hash: PasswordHash,
}

/// A change by an ADMIN; `None` leaves a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    pub role: Option<Role>,
    pub disabled: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    Changed(Account),
    Absent,
    /// The requesting account is no enabled ADMIN now, whatever its token claims.
    NotAdmin,
    /// No enabled ADMIN would be left.
    LastAdmin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailChange {
    Changed(Account),
    EmailTaken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    Deleted,
    Absent,
    /// See [`AccountChange::NotAdmin`].
    NotAdmin,
    /// No enabled ADMIN would be left.
    LastAdmin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    Created(Account),
    EmailTaken,
}
