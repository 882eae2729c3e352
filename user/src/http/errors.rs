use std::time::Duration;

use actix_web::http::StatusCode;
use runtime::http::{FieldError, Problem};

use crate::actors::AccountsError;

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Busy => Problem::unavailable(
                "overloaded",
                "Too many passwords are being hashed. Retry after a moment.",
            ),
            AccountsError::Database(failure) => Problem::database(&failure, "Retry after a moment."),
            AccountsError::Hashing | AccountsError::Signing(_) | AccountsError::NoRandomness(_) => {
                tracing::error!(%error, "a request is answered 500");
                Problem::internal()
            }
        }
    }
}

pub(super) fn unauthorized(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

/// 429 after too many wrong passwords.
pub(super) fn blocked(time: Duration) -> Problem {
    let seconds = time.as_secs().max(1);
    let detail = format!("Too many wrong passwords were given for this e-mail. Retry in {seconds} s.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail).retry_after(time)
}

/// Collects the errors of a body: one answer names all.
#[derive(Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Returns the parsed value, or records an error at `pointer`.
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

    pub fn into_problem(self) -> Problem {
        Problem::invalid(self.0)
    }
}
