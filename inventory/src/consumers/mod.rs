//! One stream a file.

mod order_completed;

pub use order_completed::OrderCompletedHandler;
use runtime::{stream::ConsumerSet, supervisor::Supervised};

use crate::actors::StockDesk;

/// Starts a consumer of each stream.
pub fn consume(set: ConsumerSet, desk: &Supervised<StockDesk>) -> ConsumerSet {
    let reserves = desk.clone();
    set.with(move || OrderCompletedHandler::new(reserves.clone()))
}
