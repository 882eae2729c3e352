use runtime::db::{CommitError, DbError};

use crate::domain::Applied;

/// Why something about an order could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// PostgreSQL is away. An order may have been placed: its key answers a second request.
    #[error("orders cannot be reached right now: {0}")]
    Unavailable(String),
    /// PostgreSQL refused; a defect.
    #[error("the order was refused by the database: {0}")]
    Refused(String),
    /// The provider will never do it.
    #[error("{0}")]
    RefusedByProvider(String),
}

impl From<DbError> for DeskError {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.message) } else { Self::Refused(error.message) }
    }
}

impl From<CommitError> for DeskError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(why) => Self::Unavailable(why),
            CommitError::Refused(error) => Self::Refused(error.message),
        }
    }
}

/// What became of one event about an order.
pub type ApplyResult = Result<Applied, DeskError>;
