use actix::MailboxError;
use runtime::db::{DbError, Failure, Fault};

/// The open orders are uncommitted, or they are in the inbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error(transparent)]
    Database(Failure),
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
            _ => Self::Database(error.into()),
        }
    }
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error.into(),
            unavailable => Self::Database(unavailable),
        }
    }
}
