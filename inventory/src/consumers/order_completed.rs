use events::OrderCompleted;
use runtime::{
    stream::{EventHandler, Outcome, Received},
    supervisor::Supervised,
};

use crate::{
    actors::{PaidOrder, ReserveStock, StockDesk},
    domain::Order,
};

/// Malformed orders are poison messages.
pub struct OrderCompletedHandler {
    desk: Supervised<StockDesk>,
}

impl OrderCompletedHandler {
    pub fn new(desk: Supervised<StockDesk>) -> Self {
        Self { desk }
    }

    async fn reserve(&self, orders: Vec<PaidOrder>) -> Vec<Outcome> {
        let count = orders.len();
        match self.desk.send(ReserveStock(orders)).await {
            Ok(Ok(outcomes)) => outcomes,
            // The inbox has the events whose effect was committed.
            Ok(Err(gone)) | Err(gone) => vec![Outcome::Transient(gone.to_string()); count],
        }
    }
}

impl EventHandler for OrderCompletedHandler {
    type Event = OrderCompleted;

    async fn handle(&self, batch: &[Received<OrderCompleted>]) -> Vec<Outcome> {
        let mut orders = Vec::with_capacity(batch.len());
        let poisoned: Vec<Option<Outcome>> =
            batch.iter().map(|received| read(received).map(|order| orders.push(order)).err()).collect();
        let mut reserved = self.reserve(orders).await.into_iter();
        let mut next = || {
            reserved.next().unwrap_or_else(|| Outcome::Transient("the desk returned no outcome".to_owned()))
        };
        poisoned.into_iter().map(|poison| poison.unwrap_or_else(&mut next)).collect()
    }
}

fn read(received: &Received<OrderCompleted>) -> Result<PaidOrder, Outcome> {
    let event = &received.event;
    let envelope = received.cause();
    let items = event.items.iter().map(|item| (item.sku.as_str(), item.quantity));
    let order =
        Order::parse(event.order_id, items).map_err(|malformed| Outcome::Poison(malformed.to_string()))?;
    Ok(PaidOrder { envelope, order, redelivered: received.deliveries > 1 })
}
