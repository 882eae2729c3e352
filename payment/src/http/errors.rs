use runtime::http::{FieldError, Problem};

use crate::{actors::DeskError, domain::Violation};

/// An actor's refusal as the client sees it.
pub(super) fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Unavailable(why) => Problem::unavailable(
            "storage-unavailable",
            format!("{why}. An order may have been placed; ask again with the same Idempotency-Key."),
        ),
        DeskError::Refused(why) | DeskError::RefusedByProvider(why) => {
            tracing::error!(%why, "an order was refused by the database");
            Problem::internal()
        }
    }
}

pub(super) fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::invalid(
        violations.into_iter().map(|violation| FieldError::new(violation.pointer, violation.rule)).collect(),
    )
}
