use actix_web::HttpRequest;

use super::{TokenError, Verifier, extract};
use crate::http::Problem;

/// The token of a request whose answer takes longer than a look at revoked tokens.
pub struct TokenWatch {
    verifier: Verifier,
    token: String,
}

impl TokenWatch {
    /// The bearer token of `request`.
    ///
    /// # Errors
    /// 401 without one.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let token = extract::bearer(request)?.to_owned();
        Ok(Self { verifier: extract::verifier(request)?, token })
    }

    /// Whether the token would still be accepted. Without keys the last answer holds.
    pub async fn holds(&self) -> bool {
        if self.verifier.cached(&self.token).is_some() {
            return true;
        }
        matches!(self.verifier.verify(&self.token).await, Ok(_) | Err(TokenError::KeysUnavailable(_)))
    }
}
