//! The parts with which stock is decided and changed.

use std::time::Duration;

use runtime::{
    db::{Commits, Connection, Database},
    outbox::{OutboxEvent, RelayHandle},
    stream::Broker,
};

use super::InventoryError;
use crate::store::WriteStock;

/// The parts of a product.
#[derive(Clone)]
pub struct ProductParts {
    /// The pool of the rounds.
    pub database: Database,
    /// The pool of HTTP requests. A request that waits for a row lock delays no round.
    pub requests: Database,
    pub relay: RelayHandle,
    /// The connection for replies, owned by the core arbiter.
    pub broker: Broker,
    /// Time before the outbox sweep publishes a new event itself: `resend-after`.
    pub lease: Duration,
    /// Maximum age of a product shown from memory: `product-view-age`.
    pub view_age: Duration,
}

impl ProductParts {
    /// A connection for an HTTP request.
    pub(super) async fn connection(&self) -> Result<Connection, InventoryError> {
        Ok(self.requests.connection().await?)
    }

    /// Publishes an event whose transaction is committed.
    pub(super) fn publish(&self, event: OutboxEvent) {
        self.relay.publish(vec![event]);
    }
}

/// The parts of StockDesk.
#[derive(Clone)]
pub struct StockDeskParts {
    pub product: ProductParts,
    pub writer: Commits<WriteStock>,
    /// Products kept in memory.
    pub live_products: usize,
}
