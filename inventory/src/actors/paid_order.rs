use std::sync::Arc;

use events::{Envelope, OrderCompleted};
use uuid::Uuid;

use crate::domain::Order;

#[derive(Debug, Clone)]
pub struct PaidOrder {
    pub envelope: Arc<Envelope>,
    pub order: Order,
    /// The event may be processed already.
    pub redelivered: bool,
}

impl PaidOrder {
    /// Derived from the order: a second event for an order is a duplicate.
    pub(super) fn event_id(&self) -> Uuid {
        OrderCompleted::event_id(self.order.id)
    }

    /// An underived id comes from an older version or a second event.
    pub(super) fn may_be_known(&self) -> bool {
        self.redelivered || self.envelope.id != self.event_id()
    }
}
