//! Cashier: charges orders, and refunds what inventory cannot deliver.
//!
//! A charge runs outside any transaction: the provider is idempotent by order id, so an answer that was lost is asked for
//! again. Orders the cashier has not finished are `pending` in the database; whatever it forgets (a full queue, a crash),
//! the reconciler brings back.

use std::{
    collections::{HashSet, VecDeque},
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, ResponseFuture};
use futures_util::future::join_all;
use shared::{
    db::{Commits, Database},
    events::{Envelope, MoneyData, OrderCompleted, OrderedItem},
    failpoint,
    outbox::{OutboxEvent, Retention},
    supervisor::{Drain, ExitReason, Life},
    telemetry::{Origin, Span, SpanKind, TraceContext, begin_span, record_span},
};
use uuid::Uuid;

use super::{DeskError, Intake, Receipt, Watchers};
use crate::{
    domain::{Applied, Money, Order, OrderStatus},
    provider::{ChargeAnswer, ChargeRequest, PaymentProvider, ProviderError},
    settings::ProviderSettings,
    store::{self, ApplyOutcomes, OrderOutcome, SettleCharges, Settled, Settlement},
};

/// Orders waiting in memory; about 1 KiB each. Beyond, the reconciler finds them in the database.
const QUEUE: usize = 10_000;
/// Room for so many is kept when none waits.
const ROOM: usize = 1024;
/// Attempts at one charge before it is left to the reconciler, and the pause after the first (doubling).
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// What Cashier works with.
#[derive(Clone)]
pub struct CashierParts {
    pub database: Database,
    pub provider: Arc<dyn PaymentProvider>,
    pub settlements: Commits<SettleCharges>,
    pub outcomes: Commits<ApplyOutcomes>,
    pub watchers: Watchers,
    pub intake: Intake,
    pub settings: ProviderSettings,
}

/// The actor.
pub struct Cashier {
    parts: Rc<CashierParts>,
    queue: VecDeque<Arc<Order>>,
    in_progress: HashSet<Uuid>,
    draining: bool,
    life: Life,
}

impl Cashier {
    pub fn new(parts: CashierParts, life: Life) -> Self {
        Self { parts: Rc::new(parts), queue: VecDeque::new(), in_progress: HashSet::new(), draining: false, life }
    }

    fn start_charges(&mut self, context: &Context<Self>) {
        while self.in_progress.len() < self.parts.settings.in_flight && !self.draining {
            let Some(order) = self.queue.pop_front() else { break };
            if self.in_progress.insert(order.id) {
                let (parts, finished) = (Rc::clone(&self.parts), Finish { cashier: context.address(), order: order.id });
                // Not ctx.spawn: every wake-up would poll all charges. The guard reports the end, a panic's included.
                actix_rt::spawn(async move {
                    charge(&parts, &order).await;
                    drop(finished);
                });
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(ROOM);
        }
        self.life.queue_depth(self.queue.len() + self.in_progress.len());
    }
}

impl Actor for Cashier {
    type Context = Context<Self>;
}

/// Charge these orders. Nothing is answered: the orders move.
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

/// A charge has ended, one way or the other.
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

/// Reports the end of a charge when it is dropped.
struct Finish {
    cashier: Addr<Cashier>,
    order: Uuid,
}

impl Drop for Finish {
    fn drop(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "a cashier that is gone has no list of charges to keep")]
        self.cashier.do_send(Finished(self.order));
    }
}

impl Handler<Drain> for Cashier {
    type Result = ();

    /// Finishes charges in progress; orders still waiting are pending in the database.
    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.draining = true;
        self.queue.clear();
        if self.in_progress.is_empty() {
            self.life.ends(ExitReason::Drained);
            context.stop();
        }
    }
}

/// Charges an order and settles what came of it; gives up after some attempts, leaving the order pending.
async fn charge(parts: &CashierParts, order: &Order) {
    let Some(trace) = begin_span(&order.traceparent) else {
        charge_in(TraceContext::resume(&order.traceparent), parts, order).await;
        return;
    };
    let began = SystemTime::now();
    let settled = charge_in(trace, parts, order).await;
    record_span(trace, || {
        let mut attributes = vec![("orderflow.order_id", order.id.to_string().into())];
        attributes.extend(settled.map(|outcome| ("orderflow.outcome", outcome.into())));
        let error = settled.is_none().then(|| "not settled; the log says why".to_owned());
        Span { kind: SpanKind::Internal, name: "charge order".into(), began, ended: SystemTime::now(), attributes, error }
    });
}

/// The same as part of `trace`; how it was settled, if it was.
async fn charge_in(trace: TraceContext, parts: &CashierParts, order: &Order) -> Option<&'static str> {
    failpoint::pass("provider.before-charge", "");
    let not_charged = |error| tracing::warn!(order = %order.id, %error, "not charged yet; the reconciler will ask again");
    let answer = ask(parts, order).await.map_err(not_charged).ok()?;
    failpoint::pass("provider.after-charge", "");
    let (outcome, verdict) = match answer {
        ChargeAnswer::Declined { reason } => ("declined", Settled::Declined { reason }),
        ChargeAnswer::Charged { charge_id } => {
            let unpublished = |error| tracing::error!(order = %order.id, %error, "a paid order cannot be published");
            let event = completed(order, &charge_id, trace).map_err(unpublished).ok()?;
            ("charged", Settled::Charged { charge_id, event: Arc::new(event) })
        }
    };
    let not_recorded = |error| tracing::warn!(order = %order.id, %error, "a charge is not recorded yet; the reconciler will ask again");
    parts.settlements.commit(Settlement { order_id: order.id, verdict }).await.map_err(not_recorded).ok()?;
    parts.watchers.moved(order.id);
    Some(outcome)
}

async fn ask(parts: &CashierParts, order: &Order) -> Result<ChargeAnswer, ProviderError> {
    let mut pause = PAUSE;
    let mut attempt = 1;
    loop {
        let request = ChargeRequest { order_id: order.id, amount: order.total.clone(), method: order.payment.method };
        let error = match tokio::time::timeout(parts.settings.timeout, parts.provider.charge(request)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => ProviderError::Unavailable(format!("no answer within {:?}", parts.settings.timeout)),
        };
        metrics::counter!("orderflow_provider_errors_total").increment(1);
        if attempt == ATTEMPTS {
            return Err(error);
        }
        tracing::debug!(order = %order.id, attempt, %error, "asking the provider again");
        tokio::time::sleep(pause).await;
        (attempt, pause) = (attempt + 1, pause * 2);
    }
}

fn completed(order: &Order, charge_id: &str, trace: TraceContext) -> Result<OutboxEvent, shared::outbox::TooLarge> {
    let money = |money: &Money| MoneyData { amount: money.amount, currency: money.currency.clone() };
    let item = |line: &crate::domain::OrderLine| OrderedItem {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: money(&line.unit_price),
    };
    let event = OrderCompleted {
        order_id: order.id,
        user_id: order.user_id,
        items: order.lines.iter().map(item).collect(),
        total: money(&order.total),
        charge_id: charge_id.to_owned(),
    };
    let origin = Origin { trace, request_id: Some(order.request_id.clone()) };
    OutboxEvent::new::<OrderCompleted>(Envelope::new(&event, "payment", order.id.to_string(), origin), Retention::UntilConfirmed)
}

/// Inventory cannot deliver these orders: their money goes back.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Receipt>")]
pub struct RefundOrders(pub Vec<RefundRequest>);

/// One `refund_order`.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    pub event_id: Uuid,
    /// The `order_completed` it answers.
    pub answers: Option<Uuid>,
    pub order_id: Uuid,
    pub reason: &'static str,
}

impl Handler<RefundOrders> for Cashier {
    type Result = ResponseFuture<Vec<Receipt>>;

    fn handle(&mut self, message: RefundOrders, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { refund_all(&parts, message.0).await })
    }
}

/// Only an order that is paid and undecided gets money back: what a late or repeated event asks for is left to the inbox.
async fn refund_all(parts: &CashierParts, requests: Vec<RefundRequest>) -> Vec<Receipt> {
    let orders: Vec<Uuid> = requests.iter().map(|request| request.order_id).collect();
    let owed = async { store::completed_among(&parts.database.connection().await?, &orders).await };
    let owed = match owed.await {
        Ok(owed) => owed,
        Err(error) => return requests.iter().map(|_| Err(error.clone().into())).collect(),
    };
    join_all(requests.into_iter().map(|request| {
        let is_owed = owed.contains(&request.order_id);
        refund(parts, request, is_owed)
    }))
    .await
}

/// Refunds first, then records: a refund that is not recorded is asked for again and found in the provider's books.
async fn refund(parts: &CashierParts, request: RefundRequest, is_owed: bool) -> Receipt {
    let refund_id = if is_owed { Some(ask_refund(parts, request.order_id).await?) } else { None };
    let RefundRequest { event_id, answers, order_id, reason } = request;
    let reason = Some(reason.to_owned());
    let outcome = OrderOutcome { event_id, answers, order_id, status: OrderStatus::Refunded, refund_id, reason };
    let applied = parts.outcomes.commit(outcome).await?;
    if applied == Applied::Moved {
        parts.intake.ended(answers);
    }
    parts.watchers.moved(order_id);
    Ok(applied)
}

async fn ask_refund(parts: &CashierParts, order_id: Uuid) -> Result<String, DeskError> {
    failpoint::pass("provider.before-refund", "");
    match tokio::time::timeout(parts.settings.timeout, parts.provider.refund(order_id)).await {
        Ok(Ok(refund_id)) => {
            failpoint::pass("provider.after-refund", "");
            Ok(refund_id)
        }
        Ok(Err(error @ ProviderError::NeverCharged(_))) => Err(DeskError::Refused(error.to_string())),
        Ok(Err(error)) => Err(DeskError::Unavailable(error.to_string())),
        Err(_) => Err(DeskError::Unavailable(format!("the provider gave no answer within {:?}", parts.settings.timeout))),
    }
}
