use runtime::{
    db::{DbError, Failure},
    stream::Outcome,
};

use crate::domain::Applied;

/// The failure of an operation on an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error(transparent)]
    Database(#[from] Failure),
    /// The provider refused for good.
    #[error("{0}")]
    RefusedByProvider(String),
}

impl From<DbError> for DeskError {
    fn from(error: DbError) -> Self {
        Failure::from(error).into()
    }
}

impl From<DeskError> for Outcome {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Database(Failure::Unavailable(why)) => Self::Transient(why),
            DeskError::Database(Failure::Refused(error)) => Self::Failed(error.message),
            DeskError::RefusedByProvider(why) => Self::Poison(why),
        }
    }
}

/// The result of applying one event to an order.
pub type ApplyResult = Result<Applied, DeskError>;
