//! The entry of the service.

use std::rc::Rc;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture,
    dev::ToEnvelope,
};
use runtime::{
    stream::Outcome,
    supervisor::{Drain, ExitReason, Life, RestartPolicy, Supervised, SupervisorHandle, Unavailable},
};
use tokio::sync::oneshot;

use super::{
    InventoryError, Product, ProductParts, StockDeskParts,
    directory::Directory,
    paid_order::PaidOrder,
    round::{CommittedRound, Round},
};
use crate::domain::Sku;

/// Maximum orders of a round, unless one batch is larger: a round must end well within `claim-idle`.
const ROUND: usize = 2048;

pub struct StockDesk {
    pub(super) directory: Directory,
    pub(super) parts: Rc<ProductParts>,
    round: Rc<Round>,
    waiting: Vec<Batch>,
    busy: bool,
    /// Rounds whose replies are being published.
    publishing: usize,
    draining: bool,
    life: Life,
}

struct Batch {
    orders: Vec<PaidOrder>,
    outcomes: oneshot::Sender<Vec<Outcome>>,
}

pub fn start(supervisor: &SupervisorHandle, parts: &StockDeskParts) -> Supervised<StockDesk> {
    let parts = parts.clone();
    supervisor
        .supervise("desk", "stock", RestartPolicy::default(), move |life| StockDesk::new(parts.clone(), life))
}

impl Actor for StockDesk {
    type Context = Context<Self>;
}

impl StockDesk {
    fn new(parts: StockDeskParts, life: Life) -> Self {
        let product = Rc::new(parts.product);
        let directory = Directory::new(parts.live_products, Rc::clone(&product));
        let round = Rc::new(Round {
            directory: directory.clone(),
            writer: parts.writer,
            parts: Rc::clone(&product),
            locked: Default::default(),
        });
        Self {
            directory,
            parts: product,
            round,
            waiting: Vec::new(),
            busy: false,
            publishing: 0,
            draining: false,
            life,
        }
    }

    fn begin_round(&mut self, context: &mut Context<Self>) {
        if self.busy {
            return;
        }
        let batches = self.next_batches();
        self.life.queue_depth(self.waiting.iter().map(|batch| batch.orders.len()).sum());
        if batches.is_empty() {
            if self.draining && self.publishing == 0 {
                self.life.ends(ExitReason::Drained);
                context.stop();
            }
            return;
        }
        self.busy = true;
        let round = Rc::clone(&self.round);
        // A panic ends the desk, and with it every hold in memory.
        context.spawn(async move { decide(&round, batches).await }.into_actor(self).map(
            |(committed, senders), desk, context| {
                desk.busy = false;
                desk.publish(committed, senders, context);
                desk.begin_round(context);
            },
        ));
    }

    /// The next round is decided meanwhile.
    fn publish(&mut self, committed: CommittedRound, senders: OutcomeSenders, context: &mut Context<Self>) {
        self.publishing += 1;
        let round = Rc::clone(&self.round);
        let publish = async move { send_outcomes(round.publish(committed).await, senders) };
        context.spawn(publish.into_actor(self).map(|(), desk, context| {
            desk.publishing -= 1;
            desk.begin_round(context);
        }));
    }

    fn next_batches(&mut self) -> Vec<Batch> {
        let mut orders = 0;
        let fits = |batch: &Batch| {
            orders += batch.orders.len();
            orders <= ROUND
        };
        let count =
            self.waiting.iter().map(fits).take_while(|fits| *fits).count().max(1).min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }
}

/// Each sender with the number of its outcomes.
type OutcomeSenders = Vec<(oneshot::Sender<Vec<Outcome>>, usize)>;

async fn decide(round: &Round, batches: Vec<Batch>) -> (CommittedRound, OutcomeSenders) {
    let (orders, senders): (Vec<_>, Vec<_>) =
        batches.into_iter().map(|batch| (batch.orders, batch.outcomes)).unzip();
    let senders = senders.into_iter().zip(orders.iter().map(Vec::len)).collect();
    let orders: Vec<PaidOrder> = orders.into_iter().flatten().collect();
    (round.commit(&orders).await, senders)
}

fn send_outcomes(outcomes: Vec<Outcome>, senders: OutcomeSenders) {
    let mut outcomes = outcomes.into_iter();
    for (sender, size) in senders {
        // A gone consumer's entries are pending, with their replies in the inbox.
        _ = sender.send(outcomes.by_ref().take(size).collect());
    }
}

impl Handler<Drain> for StockDesk {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.draining = true;
        self.begin_round(context);
    }
}

/// One outcome an order, in order.
#[derive(Message)]
#[rtype(result = "Result<Vec<Outcome>, Unavailable>")]
pub struct ReserveStock(pub Vec<PaidOrder>);

impl Handler<ReserveStock> for StockDesk {
    type Result = ResponseFuture<Result<Vec<Outcome>, Unavailable>>;

    fn handle(&mut self, message: ReserveStock, context: &mut Self::Context) -> Self::Result {
        let (sender, outcomes) = oneshot::channel();
        self.waiting.push(Batch { orders: message.0, outcomes: sender });
        self.begin_round(context);
        Box::pin(async move { outcomes.await.map_err(|_| Unavailable) })
    }
}

#[derive(Debug)]
pub struct ToProduct<M> {
    pub sku: Sku,
    pub message: M,
}

impl<M: Message> Message for ToProduct<M> {
    type Result = M::Result;
}

impl<M, R> Handler<ToProduct<M>> for StockDesk
where
    M: Message<Result = Result<R, InventoryError>> + Send + 'static,
    R: Send + 'static,
    Product: Handler<M>,
    <Product as Actor>::Context: ToEnvelope<Product, M>,
{
    type Result = ResponseFuture<Result<R, InventoryError>>;

    fn handle(&mut self, message: ToProduct<M>, _: &mut Self::Context) -> Self::Result {
        let directory = self.directory.clone();
        Box::pin(async move { directory.send(message.sku, message.message).await })
    }
}
