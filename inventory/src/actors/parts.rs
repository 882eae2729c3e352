use std::time::Duration;

use runtime::{
    db::{Commits, Connection, Database},
    outbox::{OutboxEvent, RelayHandle},
    stream::Broker,
};

use super::InventoryError;
use crate::store::WriteStock;

#[derive(Clone)]
pub struct ProductParts {
    /// For the rounds.
    pub database: Database,
    /// For HTTP requests, which may wait for row locks.
    pub requests: Database,
    pub relay: RelayHandle,
    /// For replies.
    pub broker: Broker,
    /// Time before the outbox sweep publishes a new event itself.
    pub lease: Duration,
    /// `product-view-age`.
    pub view_age: Duration,
}

impl ProductParts {
    pub(super) async fn connection(&self) -> Result<Connection, InventoryError> {
        Ok(self.requests.connection().await?)
    }

    /// Publishes an event whose transaction is committed.
    pub(super) fn publish(&self, event: OutboxEvent) {
        self.relay.publish(vec![event]);
    }
}

#[derive(Clone)]
pub struct StockDeskParts {
    pub product: ProductParts,
    pub writer: Commits<WriteStock>,
    /// Maximum products in memory.
    pub live_products: usize,
}
