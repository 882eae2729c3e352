use events::StockReserved;
use runtime::{
    stream::{EventHandler, Outcome, Received},
    supervisor::Supervised,
};

use super::outcomes::{all_transient, outcome};
use crate::actors::{ConfirmOrders, Confirmation, OrderDesk};

#[derive(Clone)]
pub struct StockReservedHandler {
    pub desk: Supervised<OrderDesk>,
}

impl EventHandler for StockReservedHandler {
    type Event = StockReserved;

    async fn handle(&self, batch: &[Received<StockReserved>]) -> Vec<Outcome> {
        let confirmation = |received: &Received<StockReserved>| Confirmation {
            event_id: received.envelope.id,
            answers: received.envelope.causation_id,
            order_id: received.event.order_id,
            awaited: received.envelope.awaited,
        };
        match self.desk.send(ConfirmOrders(batch.iter().map(confirmation).collect())).await {
            Ok(results) => results.into_iter().map(outcome).collect(),
            Err(unavailable) => all_transient(batch.len(), unavailable),
        }
    }
}
