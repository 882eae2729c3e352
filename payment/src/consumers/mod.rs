//! The streams that this service consumes, one a file.

mod outcomes;
mod product_changed;
mod refund_order;
mod stock_reserved;

use product_changed::ProductChangedHandler;
pub use refund_order::RefundOrderHandler;
use runtime::{stream::ConsumerSet, supervisor::Supervised};
use stock_reserved::StockReservedHandler;

use crate::actors::{Cashier, Catalogue, OrderDesk};

/// Starts a consumer of each stream.
pub fn consume(
    set: ConsumerSet,
    desk: &Supervised<OrderDesk>,
    cashier: &Supervised<Cashier>,
    catalogue: &Supervised<Catalogue>,
) -> ConsumerSet {
    let stock_reserved = StockReservedHandler { desk: desk.clone() };
    let refund_order = RefundOrderHandler { cashier: cashier.clone() };
    let product_changed = ProductChangedHandler { catalogue: catalogue.clone() };
    set.with(move || stock_reserved.clone())
        .with(move || refund_order.clone())
        .with(move || product_changed.clone())
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
