use std::time::Duration;

use runtime::{
    db::{Commits, Connection, Database},
    outbox::{OutboxEvent, RelayHandle},
    stream::Broker,
};

use super::InventoryError;
use crate::store::WriteStock;

/// The parts of a product actor.
#[derive(Clone)]
pub struct Backends {
    pub database: Database,
    /// For what HTTP asks for: whoever waits for the row of a product keeps no orders from being decided.
    pub requests: Database,
    pub relay: RelayHandle,
    /// For replies. The core arbiter's own.
    pub broker: Broker,
    /// How long the sweep of the outbox leaves a fresh event to the relay: `resend-after`.
    pub lease: Duration,
    /// How old a product shown from memory may be.
    pub view_age: Duration,
}

impl Backends {
    /// A connection for what HTTP asks for.
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
