use std::sync::Arc;

use events::{Envelope, OrderCompleted};
use uuid::Uuid;

use crate::domain::Order;

/// A paid order as it came.
#[derive(Debug, Clone)]
pub struct PaidOrder {
    pub envelope: Arc<Envelope>,
    pub order: Order,
    /// It was delivered before, and may have had its effect.
    pub redelivered: bool,
}

impl PaidOrder {
    /// What the inbox knows it by, whatever id it came with: a second event for an order is the same event.
    pub(super) fn event_id(&self) -> Uuid {
        OrderCompleted::event_id(self.order.id)
    }

    /// Whether it may have had its effect. An id of another kind is an older version's, or a second event's.
    pub(super) fn may_be_known(&self) -> bool {
        self.redelivered || self.envelope.id != self.event_id()
    }
}
