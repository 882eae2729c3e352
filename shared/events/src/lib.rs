//! The wire contract: a CloudEvents 1.0 envelope and one event per file. An incompatible change is a new
//! type.

mod envelope;
#[cfg(test)]
mod golden;
pub mod objects;
mod order_completed;
mod product_changed;
mod refund_order;
mod routes;
mod stock_reserved;
mod trace_context;

use serde::{Serialize, de::DeserializeOwned};

pub use envelope::{Envelope, EnvelopeError, FIELD, plain_json};
pub use order_completed::{OrderCompleted, OrderedItem};
pub use product_changed::ProductChanged;
pub use refund_order::{RefundOrder, RefundReason, ShortItem};
pub use routes::{INVENTORY_GROUP, PAYMENT_GROUP, Route, consumed_by, published_by, route_of};
pub use stock_reserved::{ReservedItem, StockReserved};
pub use trace_context::{Origin, Sampler, TraceContext, set_sampler};

use serde::Deserialize;

/// One event type in one version.
pub trait Event: Serialize + DeserializeOwned + Unpin + 'static {
    /// CloudEvents `type`: `shop.order.completed.v1`.
    const TYPE: &'static str;
    /// Without partition.
    const STREAM: &'static str;

    /// CloudEvents `subject`.
    fn subject(&self) -> String;
}

/// The publisher and the consumer of each stream. A test compares them with `deploy/` and `docs/events.md`.
pub const ROUTES: [Route; 4] = [
    Route {
        stream: OrderCompleted::STREAM,
        publisher: "payment",
        consumer: "inventory",
        group: INVENTORY_GROUP,
        answered_on: &[StockReserved::STREAM, RefundOrder::STREAM],
    },
    Route {
        stream: StockReserved::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
    Route {
        stream: RefundOrder::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
    Route {
        stream: ProductChanged::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
];

/// Money on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyData {
    /// Minor units (cents).
    pub amount: i64,
    /// ISO 4217, e.g. `EUR`.
    pub currency: String,
}
