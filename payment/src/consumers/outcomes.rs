use runtime::{stream::Outcome, supervisor::Unavailable};

use crate::{actors::ApplyResult, domain::Applied};

pub(super) fn outcome(result: ApplyResult) -> Outcome {
    match result {
        Ok(Applied::Moved(_) | Applied::Parked) => Outcome::Done,
        Ok(Applied::Duplicate) => Outcome::Duplicate,
        Ok(Applied::UnknownOrder) => Outcome::Poison("the order does not exist".to_owned()),
        Ok(Applied::Unexpected(status)) => {
            Outcome::Poison(format!("the event cannot follow the status {status}"))
        }
        Err(error) => error.into(),
    }
}

/// The inbox has the processed events; the others are handled again.
pub(super) fn all_transient(events: usize, unavailable: Unavailable) -> Vec<Outcome> {
    vec![Outcome::Transient(unavailable.to_string()); events]
}
