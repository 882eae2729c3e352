use super::KeySetError;

/// The refusal of a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    #[error("the token has expired; log in again")]
    Expired,
    /// Malformed, forged, or for another use.
    #[error("the token is invalid: {0}")]
    Invalid(&'static str),
    /// Its account was changed or its session ended since.
    #[error("the token was revoked; refresh it or log in again")]
    Revoked,
    /// A retry may help.
    #[error("tokens cannot be verified at the moment: {0}")]
    KeysUnavailable(#[from] KeySetError),
}
