use actix_web::http::StatusCode;
use runtime::http::{FieldError, Problem};

use crate::actors::AccountsError;

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Busy => Problem::unavailable(
                "overloaded",
                "Too many passwords are being checked. Try again after a moment.",
            ),
            AccountsError::Unavailable(_) => {
                tracing::warn!(%error, "answered 503");
                Problem::unavailable(
                    "database-unavailable",
                    "The database does not answer right now. Try again after a moment.",
                )
            }
            AccountsError::Refused(_) | AccountsError::Hashing | AccountsError::Signing(_) => {
                tracing::error!(%error, "answered 500");
                Problem::internal()
            }
        }
    }
}

pub(super) fn unauthorized(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

/// Parsed fields and what was wrong with the others, so that all of it is said at once.
#[derive(Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// The parsed value, or nothing after it was noted under `pointer` that it is missing or why it is wrong.
    pub fn check<I, T, E: ToString>(
        &mut self,
        pointer: &str,
        given: Option<I>,
        parse: impl FnOnce(I) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = given
            .ok_or_else(|| "is required".to_owned())
            .and_then(|text| parse(text).map_err(|error| error.to_string()));
        parsed.map_err(|reason| self.0.push(FieldError::new(pointer, reason))).ok()
    }

    /// The 400 that names every mistake.
    pub fn into_problem(self) -> Problem {
        Problem::invalid(self.0)
    }
}
