use runtime::db::{CommitError, DbError};

use crate::domain::Applied;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// An order may have been placed: a repetition with its key finds it.
    #[error("orders are unavailable: {0}")]
    Unavailable(String),
    /// A defect.
    #[error("the database refused the statement: {0}")]
    Refused(String),
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

pub type ApplyResult = Result<Applied, DeskError>;
