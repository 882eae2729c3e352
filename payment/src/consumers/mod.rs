//! The streams that this service consumes, one a file.

mod product_changed;
mod refund_order;
mod stock_reserved;

pub use product_changed::ProductChangedHandler;
pub use refund_order::RefundOrderHandler;
pub use stock_reserved::StockReservedHandler;

use runtime::{db::Failure, stream::Outcome, supervisor::Unavailable};

use crate::{
    actors::{ApplyResult, DeskError},
    domain::Applied,
};

fn outcome(result: ApplyResult) -> Outcome {
    match result {
        Ok(Applied::Moved(_) | Applied::Parked) => Outcome::Done,
        Ok(Applied::Duplicate) => Outcome::Duplicate,
        Ok(Applied::UnknownOrder) => Outcome::Poison("the order does not exist".to_owned()),
        Ok(Applied::Unexpected(status)) => {
            Outcome::Poison(format!("the event cannot follow the status {status}"))
        }
        Err(error) => failure(error),
    }
}

fn failure(error: DeskError) -> Outcome {
    match error {
        DeskError::Database(Failure::Unavailable(why)) => Outcome::Transient(why),
        DeskError::Database(Failure::Refused(error)) => Outcome::Failed(error.message),
        DeskError::RefusedByProvider(why) => Outcome::Poison(why),
    }
}

/// The inbox has the processed events; the others are handled again.
fn all_transient(events: usize, unavailable: Unavailable) -> Vec<Outcome> {
    vec![Outcome::Transient(unavailable.to_string()); events]
}

#[cfg(test)]
mod tests {
    use events::{Event, RefundOrder, StockReserved};

    use crate::domain::OrderStatus;

    #[test]
    fn a_timeline_names_the_events_by_their_types() {
        assert_eq!(OrderStatus::Confirmed.cause(), StockReserved::TYPE);
        assert_eq!(OrderStatus::Refunded.cause(), RefundOrder::TYPE);
    }
}
