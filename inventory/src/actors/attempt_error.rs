use actix::MailboxError;
use runtime::db::{CommitError, DbError, Fault};

/// The open orders are uncommitted, or they are in the inbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Refused(DbError),
    /// A row lock is held longer than a commit may wait.
    #[error("{0}")]
    Contended(String),
    #[error("a product actor ended: {0}")]
    ProductLost(#[from] MailboxError),
}

impl From<DbError> for AttemptError {
    fn from(error: DbError) -> Self {
        match error.fault {
            Fault::Contention => Self::Contended(error.message),
            _ if error.is_transient() => Self::Unavailable(error.message),
            _ => Self::Refused(error),
        }
    }
}

impl From<CommitError> for AttemptError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(why) => Self::Unavailable(why),
            CommitError::Refused(error) => error.into(),
        }
    }
}
