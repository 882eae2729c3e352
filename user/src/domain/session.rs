use std::time::Duration;

use jiff::Timestamp;
use runtime::auth::Role;
use uuid::Uuid;

/// A login that refresh tokens continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An account at the moment of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub role: Role,
    /// Unix time in milliseconds, by the clock that also dates revocations.
    pub issued_at: u64,
}

/// The result of showing a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token was exchanged for the next one.
    Rotated { account: Uuid, session: Uuid, standing: Standing },
    /// The token had been exchanged before. Its session was ended.
    Reused { account: Uuid },
    /// Unknown, expired, or of an ended session or a disabled account.
    Invalid,
}

/// The result of asking for one more login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// Too many wrong passwords. Further attempts are refused for this time.
    Blocked(Duration),
}

/// When further logins of one e-mail are refused.
#[derive(Debug, Clone, Copy)]
pub struct AttemptLimits {
    /// Attempts without a refusal.
    pub attempts: i32,
    /// After the last of these; doubles with each further attempt.
    pub block: Duration,
    pub longest_block: Duration,
}
