use std::sync::Arc;

use events::RefundOrder;
use runtime::{
    stream::{EventHandler, Outcome, Received},
    supervisor::Supervised,
};

use super::outcomes::{all_transient, outcome};
use crate::actors::{Cashier, RefundOrders, RefundRequest};

#[derive(Clone)]
pub struct RefundOrderHandler {
    pub cashier: Supervised<Cashier>,
}

impl EventHandler for RefundOrderHandler {
    type Event = RefundOrder;

    async fn handle(&self, batch: &[Received<RefundOrder>]) -> Vec<Outcome> {
        let request = |received: &Received<RefundOrder>| RefundRequest {
            envelope: Arc::clone(&received.envelope),
            order_id: received.event.order_id,
            reason: received.event.reason.as_str(),
        };
        match self.cashier.send(RefundOrders(batch.iter().map(request).collect())).await {
            Ok(results) => results.into_iter().map(outcome).collect(),
            Err(unavailable) => all_transient(batch.len(), unavailable),
        }
    }
}
