use runtime::{
    db::Failure,
    http::{FieldError, Problem},
};

use crate::{actors::DeskError, domain::Violation};

pub(super) fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Database(Failure::Unavailable(why)) => Problem::unavailable(
            "database-unavailable",
            format!(
                "{why}. An order may have been placed; repeat the request with the same Idempotency-Key."
            ),
        ),
        DeskError::Database(Failure::Refused(_)) | DeskError::RefusedByProvider(_) => {
            tracing::error!(%error, "a request is answered 500");
            Problem::internal()
        }
    }
}

pub(super) fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::invalid(
        violations.into_iter().map(|violation| FieldError::new(violation.pointer, violation.rule)).collect(),
    )
}
