use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode};
use runtime::{
    http::{FieldError, Problem},
    limits::Policy,
};

use crate::{actors::AccountsError, domain::Deletion};

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Busy => Problem::unavailable(
                "overloaded",
                "Too many passwords are being hashed. Retry after a moment.",
            ),
            AccountsError::Database(failure) => Problem::database(&failure, "Retry after a moment."),
            AccountsError::Hashing
            | AccountsError::Signing(_)
            | AccountsError::NoRandomness(_)
            | AccountsError::Key(_) => {
                tracing::error!(%error, "a request is answered 500");
                Problem::internal()
            }
        }
    }
}

pub(super) fn unauthorized(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

pub(super) fn email_taken() -> Problem {
    let detail = "An account with this e-mail exists. Log in with POST /auth/login.";
    Problem::new(StatusCode::CONFLICT, "email-taken", detail)
}

/// The token of an ADMIN outlives the role by a minute.
pub(super) fn not_admin() -> Problem {
    let detail = "The account of this token is not an ADMIN now. Log in again.";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

pub(super) fn last_admin() -> Problem {
    let detail = "This account is the only ADMIN. Make another account ADMIN first.";
    Problem::new(StatusCode::CONFLICT, "last-admin", detail)
}

/// 204 for an account that is gone by this call.
pub(super) fn deletion(outcome: Deletion) -> Result<HttpResponse, Problem> {
    match outcome {
        Deletion::Deleted => Ok(HttpResponse::NoContent().finish()),
        Deletion::Absent => Err(Problem::absent("account")),
        Deletion::NotAdmin => Err(not_admin()),
        Deletion::LastAdmin => Err(last_admin()),
    }
}

/// 429 after too many wrong passwords.
pub(super) fn blocked(time: Duration) -> Problem {
    let seconds = time.as_secs().max(1);
    let detail = format!("Too many wrong passwords were given for this e-mail. Retry in {seconds} s.");
    // One attempt after each block.
    let policy = Policy { name: "login-attempts", quota: 1, window: time };
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail)
        .retry_after(time)
        .limited_by(policy)
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
