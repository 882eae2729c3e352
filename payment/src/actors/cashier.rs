//! Cashier: charges and refunds orders, outside any transaction.
//!
//! The provider is idempotent by order id, so a charge without a response is requested again. Orders that a
//! full queue or a crash drops stay `pending`, and the reconciler charges them.

use std::{
    collections::{HashSet, VecDeque},
    rc::Rc,
    sync::Arc,
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, ResponseFuture};
use runtime::supervisor::{Drain, ExitReason, Life};
use uuid::Uuid;

use super::{ApplyResult, CashierParts, RefundRequest, charging::charge, refunding::refund_all};
use crate::domain::Order;

/// About 1 KiB each.
const QUEUE: usize = 10_000;
const IDLE_CAPACITY: usize = 1024;

pub struct Cashier {
    parts: Rc<CashierParts>,
    queue: VecDeque<Arc<Order>>,
    in_progress: HashSet<Uuid>,
    draining: bool,
    life: Life,
}

impl Cashier {
    pub fn new(parts: CashierParts, life: Life) -> Self {
        Self {
            parts: Rc::new(parts),
            queue: VecDeque::new(),
            in_progress: HashSet::new(),
            draining: false,
            life,
        }
    }

    fn start_charges(&mut self, context: &Context<Self>) {
        while self.in_progress.len() < self.parts.settings.in_flight && !self.draining {
            let Some(order) = self.queue.pop_front() else { break };
            if self.in_progress.insert(order.id) {
                let parts = Rc::clone(&self.parts);
                let finished = Finish { cashier: context.address(), order: order.id };
                // Spawned outside the context, whose every wake-up would poll all charges. The guard also
                // reports panics.
                actix_rt::spawn(async move {
                    charge(&parts, &order).await;
                    drop(finished);
                });
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(IDLE_CAPACITY);
        }
        self.life.queue_depth(self.queue.len() + self.in_progress.len());
    }
}

impl Actor for Cashier {
    type Context = Context<Self>;
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ChargeOrders(pub Vec<Arc<Order>>);

impl Handler<ChargeOrders> for Cashier {
    type Result = ();

    fn handle(&mut self, message: ChargeOrders, context: &mut Self::Context) {
        let room = QUEUE.saturating_sub(self.queue.len());
        let new = message.0.into_iter().filter(|order| !self.in_progress.contains(&order.id));
        self.queue.extend(new.take(room));
        self.start_charges(context);
    }
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished(Uuid);

impl Handler<Finished> for Cashier {
    type Result = ();

    fn handle(&mut self, message: Finished, context: &mut Self::Context) {
        self.in_progress.remove(&message.0);
        self.start_charges(context);
        if self.draining && self.in_progress.is_empty() {
            self.life.ends(ExitReason::Drained);
            context.stop();
        }
    }
}

struct Finish {
    cashier: Addr<Cashier>,
    order: Uuid,
}

impl Drop for Finish {
    fn drop(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "a cashier that is gone keeps no list of charges")]
        self.cashier.do_send(Finished(self.order));
    }
}

impl Handler<Drain> for Cashier {
    type Result = ();

    /// Waiting orders stay `pending` in the database.
    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.draining = true;
        self.queue.clear();
        if self.in_progress.is_empty() {
            self.life.ends(ExitReason::Drained);
            context.stop();
        }
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Vec<ApplyResult>")]
pub struct RefundOrders(pub Vec<RefundRequest>);

impl Handler<RefundOrders> for Cashier {
    type Result = ResponseFuture<Vec<ApplyResult>>;

    fn handle(&mut self, message: RefundOrders, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { refund_all(&parts, message.0).await })
    }
}
