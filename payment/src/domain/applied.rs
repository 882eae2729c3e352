use std::sync::Arc;

use super::{OrderStatus, Progress};

/// The result of applying an event to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The order reached its final state.
    Moved(Arc<Progress>),
    /// The refund is parked and made later. The event is processed.
    Parked,
    /// Processed before.
    Duplicate,
    /// The order does not exist.
    UnknownOrder,
    /// The event cannot follow this status.
    Unexpected(OrderStatus),
}
