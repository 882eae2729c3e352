use crate::api::ApiError;

/// Why a call for a viewer failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The viewer has to log in again.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Api(#[from] ApiError),
}
