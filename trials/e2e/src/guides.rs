//! The Rust blocks of the guides in `docs/`, compiled as doc tests.

use events::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The event that `docs/adding-an-event.md` adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    pub order_id: Uuid,
    pub reason: String,
}

impl Event for OrderCancelled {
    const TYPE: &'static str = "shop.order.cancelled.v1";
    const STREAM: &'static str = "order_cancelled";

    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}

#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/adding-an-event.md")]
    mod adding_an_event {}
    #[doc = include_str!("../../../docs/adding-a-service.md")]
    mod adding_a_service {}
}
