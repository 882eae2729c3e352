use runtime::http::{FieldError, Problem};

use crate::{actors::DeskError, domain::Violation};

pub(super) fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Database(failure) => Problem::database(
            &failure,
            "An order may have been placed; repeat the request with the same Idempotency-Key.",
        ),
        DeskError::RefusedByProvider(why) => {
            tracing::error!(%why, "a request is answered 500");
            Problem::internal()
        }
    }
}

pub(super) fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::invalid(
        violations.into_iter().map(|violation| FieldError::new(violation.pointer, violation.rule)).collect(),
    )
}
