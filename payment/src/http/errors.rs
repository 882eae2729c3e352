use runtime::http::{FieldError, Problem};

use crate::{actors::DeskError, domain::Violation};

pub(super) fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Unavailable(why) => Problem::unavailable(
            "database-unavailable",
            format!(
                "{why}. An order may have been placed; repeat the request with the same Idempotency-Key."
            ),
        ),
        DeskError::Refused(why) | DeskError::RefusedByProvider(why) => {
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
