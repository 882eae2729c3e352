//! One round: the orders that wait are decided, committed and settled before the next ones are looked at.
//!
//! ```text
//!   orders ─> delivered before? ── yes ─> look into the inbox; the stored reply   Duplicate
//!                 │ no                                    ^
//!                 v                                       │
//!             hold every line, in order ─> Reserve | Refuse            (decider.rs)
//!                 v                                       │
//!             WriteStock: one transaction ── refused ────┴─ forget these products, all of it again
//!                 │                        ├─ away ───> forget them    Transient
//!                 │                        └─ a product is locked ───> its orders: Transient; the others again
//!                 v
//!             settle the holds; stock_reserved | refund_order          Done
//! ```
//!
//! An outcome is given when its reply is in Redis, or in the outbox because Redis refuses it: the entry is
//! acknowledged only then, and who dies before that finds it pending, and the reply in the inbox. The next
//! round does not wait for that.
//!
//! Why rounds: a hold whose commit is on its way makes stock look taken that may yet come free, and what the
//! database says about it is ambiguous. Between two rounds nothing is in flight, so a refusal is never built
//! on somebody's failed commit. Throughput comes from the size of a round: what arrives meanwhile, from all
//! partitions, goes into the next one.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use events::{Envelope, Event, RefundOrder, RefundReason, ReservedItem, ShortItem, StockReserved};
use runtime::{
    db::{CommitError, Commits, DbError},
    inbox::{self, StoredReply},
    stream::{BrokerError, Outcome},
};
use uuid::Uuid;

use super::{
    PaidOrder, ProductParts,
    attempt_error::AttemptError,
    decider::{Decider, Taken},
    directory::Directory,
};
use crate::{
    SERVICE,
    domain::{Decision, Order, Refusal, ShortLine, Sku},
    store::{self, DecidedOrder, NEVER_NEGATIVE, ORDER_ONCE, Reply, WriteStock},
};

/// Tries at a batch that the database refuses: one for a duplicate that looked new, one for a stale view, one
/// for a duplicate that another instance was faster with, one to spare. Then one order at a time, so that the
/// culprit stands alone.
const ATTEMPTS: usize = 4;

/// Decided orders that go to the writer before the rest of a large round is decided: what `commit-batch`
/// allows it at once by default.
const PART: usize = 512;

/// An order and what has become of it.
struct RoundOrder<'a> {
    paid: &'a PaidOrder,
    outcome: Option<Outcome>,
    /// To be published before the outcome is given.
    reply: Option<Arc<Reply>>,
}

/// A round that is decided.
pub(super) struct CommittedRound {
    /// What has become of each event, and what is to be published before that is said.
    results: Vec<(Outcome, Option<Arc<Reply>>)>,
    index_of_order: Vec<usize>,
}

/// What a round works with.
pub(super) struct Round {
    pub directory: Directory,
    pub writer: Commits<WriteStock>,
    pub parts: Rc<ProductParts>,
    /// Products whose rows somebody had locked when they were last looked at: they are asked after before
    /// they are waited for.
    pub locked: RefCell<HashSet<Sku>>,
}

impl Round {
    /// Decides, commits and settles; what is left is to publish the replies.
    pub(super) async fn commit(&self, orders: &[PaidOrder]) -> CommittedRound {
        let mut orders: Vec<RoundOrder> = Vec::with_capacity(orders.len());
        let (mut index_of, mut index_of_order) =
            (HashMap::with_capacity(orders.len()), Vec::with_capacity(orders.len()));
        for paid in orders {
            index_of_order.push(*index_of.entry(paid.event_id()).or_insert_with(|| {
                orders.push(RoundOrder { paid, outcome: None, reply: None });
                orders.len() - 1
            }));
        }
        self.commit_orders(&mut orders).await;
        CommittedRound {
            results: orders
                .into_iter()
                .map(|order| (order.outcome.unwrap_or_else(undecided), order.reply))
                .collect(),
            index_of_order,
        }
    }

    /// One outcome an order, in order.
    pub(super) async fn publish(&self, mut committed: CommittedRound) -> Vec<Outcome> {
        self.publish_replies(&mut committed.results).await;
        let mut outcome = |order: &usize| {
            let outcome = &mut committed.results[*order].0;
            // The same event twice in one round: only the first has an effect.
            let again = if *outcome == Outcome::Done { Outcome::Duplicate } else { outcome.clone() };
            std::mem::replace(outcome, again)
        };
        committed.index_of_order.iter().map(&mut outcome).collect()
    }

    /// Gives every order its outcome: all together or, if that does not work out, one by one.
    async fn commit_orders(&self, orders: &mut [RoundOrder<'_>]) {
        let mut outage = match self.commit_with_retries(orders).await {
            Ok(()) => return,
            Err(AttemptError::Unavailable(why) | AttemptError::Contended(why)) => Some(why),
            Err(error) => match orders {
                [alone] => return alone.outcome = Some(Outcome::Failed(error.to_string())),
                _ => None,
            },
        };
        for order in orders.iter_mut().filter(|order| order.outcome.is_none()) {
            if outage.is_none() {
                match self.commit_with_retries(std::slice::from_mut(order)).await {
                    Ok(()) => continue,
                    Err(AttemptError::Unavailable(why) | AttemptError::Contended(why)) => outage = Some(why),
                    Err(error) => order.outcome = Some(Outcome::Failed(error.to_string())),
                }
            }
            if let Some(why) = &outage {
                order.outcome.get_or_insert_with(|| Outcome::Transient(why.clone()));
            }
        }
    }

    async fn commit_with_retries(&self, orders: &mut [RoundOrder<'_>]) -> Result<(), AttemptError> {
        let mut attempt = 1;
        loop {
            match self.attempt(orders, attempt).await {
                Err(error @ (AttemptError::Refused(_) | AttemptError::ProductLost(_)))
                    if attempt < ATTEMPTS =>
                {
                    match &error {
                        AttemptError::Refused(error)
                            if [inbox::ONCE, ORDER_ONCE].iter().any(|once| error.violates(once)) =>
                        {
                            tracing::debug!("an event that looked new had its effect")
                        }
                        _ => {
                            tracing::warn!(orders = orders.len(), attempt, %error, "the batch was not committed; deciding anew")
                        }
                    }
                    attempt += 1;
                }
                Err(AttemptError::Contended(why))
                    if attempt < ATTEMPTS && self.find_locked(orders, &why).await? =>
                {
                    attempt += 1
                }
                result => return result,
            }
        }
    }

    /// Looks which products are locked. True: some are, so that the others can go on without them.
    async fn find_locked(&self, orders: &[RoundOrder<'_>], why: &str) -> Result<bool, AttemptError> {
        let open = orders.iter().filter(|order| order.outcome.is_none());
        let skus: HashSet<Sku> =
            open.flat_map(|order| &order.paid.order.lines).map(|line| line.sku.clone()).collect();
        let found = self.locked_among(skus.into_iter().collect()).await?;
        if !found.is_empty() {
            tracing::warn!(products = ?found.iter().map(Sku::as_str).collect::<Vec<_>>(), why, "somebody has locked products; their orders wait");
        }
        let some = !found.is_empty();
        self.locked.borrow_mut().extend(found);
        Ok(some)
    }

    async fn locked_among(&self, skus: Vec<Sku>) -> Result<Vec<Sku>, AttemptError> {
        Ok(store::locked(&self.parts.database.connection().await?, &skus).await?)
    }

    /// Orders of products that are still locked are tried again later; nobody waits for them.
    async fn leave_out_locked(&self, orders: &mut [RoundOrder<'_>]) -> Result<(), AttemptError> {
        let suspects: Vec<Sku> = self.locked.borrow().iter().cloned().collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let locked: HashSet<Sku> = self.locked_among(suspects).await?.into_iter().collect();
        for order in orders.iter_mut().filter(|order| order.outcome.is_none()) {
            if let Some(line) = order.paid.order.lines.iter().find(|line| locked.contains(&line.sku)) {
                order.outcome = Some(Outcome::Transient(format!("product {} is locked", line.sku)));
            }
        }
        *self.locked.borrow_mut() = locked;
        Ok(())
    }

    /// Takes every open order to its end. After a error the products of those that are still open are in
    /// doubt.
    async fn attempt(&self, orders: &mut [RoundOrder<'_>], attempt: usize) -> Result<(), AttemptError> {
        // The inbox refuses a duplicate anyway: a look is worth its round trip only where one is to be
        // expected.
        if attempt > 1 || orders.iter().any(|order| order.paid.may_be_known()) {
            self.answer_duplicates(orders).await?;
        }
        self.leave_out_locked(orders).await?;
        let mut open: Vec<&mut RoundOrder> =
            orders.iter_mut().filter(|order| order.outcome.is_none()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let wanted = wanted(&open);
        let result = self.decide_and_commit(&mut open, &wanted).await;
        if result.is_err() {
            self.directory.forget(wanted.keys());
        }
        result
    }

    /// An event that had its effect is answered with the reply it had: whoever sends it again has not seen
    /// that.
    async fn answer_duplicates(&self, orders: &mut [RoundOrder<'_>]) -> Result<(), AttemptError> {
        let open = orders.iter().filter(|order| order.outcome.is_none()).map(|order| order.paid);
        // The version before kept it under the id it came with.
        let ids: Vec<Uuid> = open.flat_map(|paid| [paid.event_id(), paid.envelope.id]).collect();
        let mut replies = store::answered(&self.parts.database.connection().await?, &ids).await?;
        for order in orders.iter_mut().filter(|order| order.outcome.is_none()) {
            if let Some(reply) =
                replies.remove(&order.paid.event_id()).or_else(|| replies.remove(&order.paid.envelope.id))
            {
                order.reply = reply.map(|reply| Arc::new(stored_reply(reply, &order.paid.envelope)));
                order.outcome = Some(Outcome::Duplicate);
            }
        }
        Ok(())
    }

    /// Redis away: the events come again, and the inbox has their replies. What Redis refuses waits in the
    /// outbox: a stream that is full must not keep others from being acknowledged, and hence trimmed.
    async fn publish_replies(&self, results: &mut [(Outcome, Option<Arc<Reply>>)]) {
        let mut unsent: Vec<(&mut Outcome, &Reply)> =
            results.iter_mut().filter_map(|(outcome, reply)| Some((outcome, reply.as_deref()?))).collect();
        if unsent.is_empty() {
            return;
        }
        let replies: Vec<(&str, &Envelope)> =
            unsent.iter().map(|(_, reply)| (reply.stream, &reply.envelope)).collect();
        let unpublished =
            |why: &dyn std::fmt::Display| Outcome::Transient(format!("its reply is not published: {why}"));
        match self.parts.broker.publish(&replies).await {
            Err(error) => unsent.iter_mut().for_each(|(outcome, _)| **outcome = unpublished(&error)),
            Ok(results) => {
                let results: Vec<Option<BrokerError>> = results.into_iter().map(Result::err).collect();
                let refused = || {
                    unsent
                        .iter()
                        .zip(&results)
                        .filter(|(_, refused)| refused.is_some())
                        .map(|((_, reply), _)| *reply)
                };
                if let Err(why) = self.park(refused().collect()).await {
                    let refused = unsent.iter_mut().zip(&results).filter(|(_, refused)| refused.is_some());
                    refused.for_each(|((outcome, _), _)| **outcome = unpublished(&why));
                }
            }
        }
    }

    async fn park(&self, refused: Vec<&Reply>) -> Result<(), DbError> {
        if refused.is_empty() {
            return Ok(());
        }
        tracing::warn!(replies = refused.len(), "Redis refused replies; they wait in the outbox");
        store::park_replies(&self.parts.database.connection().await?, &refused).await
    }

    /// Decides, commits, settles. Holds of what fails are left behind, in products that are about to be
    /// forgotten.
    async fn decide_and_commit(
        &self,
        open: &mut [&mut RoundOrder<'_>],
        wanted: &BTreeMap<Sku, u32>,
    ) -> Result<(), AttemptError> {
        let mut decider = Decider::begin(&self.directory, &self.parts, wanted).await?;
        let (mut decided, mut commits) = (Vec::with_capacity(open.len()), Vec::with_capacity(open.len()));
        let commit = |decided: &[(Arc<DecidedOrder>, &str)]| {
            self.writer.commit_all(decided.iter().map(|(order, _)| Arc::clone(order)).collect())
        };
        for order in open.iter() {
            let decision = decider.decide(&order.paid.order).await?;
            decided.push((Arc::new(decided_order(order.paid, &decision)), label(&decision)));
            // No shortage depends on whether these commit: they need not wait for the rest of the round.
            if decider.all_held && decided.len() - commits.len() == PART {
                commits.extend(commit(&decided[commits.len()..]));
                tokio::task::yield_now().await; // the writer is on this thread
            }
        }
        commits.extend(commit(&decided[commits.len()..]));
        let (mut taken, mut error, mut counts) = (Taken::default(), None, HashMap::new());
        for ((order, (order, label)), commit) in open.iter_mut().zip(decided).zip(commits) {
            match commit.await {
                Ok(levels) => {
                    *counts.entry(label).or_insert(0) += 1;
                    taken.add(&order.taken, &levels);
                    (order.outcome, order.reply) = (Some(Outcome::Done), Some(Arc::clone(&order.reply)));
                }
                Err(error) => error = Some(error),
            }
        }
        for (label, orders) in counts {
            metrics::counter!("orderflow_reservations_total", "outcome" => label).increment(orders);
        }
        decider.commit_holds(taken).await;
        error.map_or(Ok(()), |error| Err(counted(error).into()))
    }
}

fn undecided() -> Outcome {
    Outcome::Transient("it was not decided".to_owned())
}

/// Every product of these orders, and how much all of them want of it.
fn wanted(orders: &[&mut RoundOrder<'_>]) -> BTreeMap<Sku, u32> {
    let mut wanted: BTreeMap<Sku, u32> = BTreeMap::new();
    for line in orders.iter().flat_map(|order| &order.paid.order.lines) {
        let pieces = wanted.entry(line.sku.clone()).or_default();
        *pieces = pieces.saturating_add(line.quantity);
    }
    wanted
}

fn counted(error: CommitError) -> CommitError {
    if matches!(&error, CommitError::Refused(error) if error.violates(NEVER_NEGATIVE)) {
        metrics::counter!("orderflow_oversell_guard_total").increment(1);
    }
    error
}

fn label(decision: &Decision) -> &'static str {
    match decision {
        Decision::Reserve => "reserved",
        Decision::Refuse { refusal, .. } => reason(*refusal).as_str(),
    }
}

fn reason(refusal: Refusal) -> RefundReason {
    match refusal {
        Refusal::InsufficientStock => RefundReason::InsufficientStock,
        Refusal::UnknownProduct => RefundReason::UnknownProduct,
    }
}

/// The decision as it is committed: what is taken, and the event that says so.
fn decided_order(paid: &PaidOrder, decision: &Decision) -> DecidedOrder {
    let (envelope, order) = (&paid.envelope, &paid.order);
    let (taken, reply) = match decision {
        Decision::Reserve => (order.lines.clone(), reserved(envelope, order)),
        Decision::Refuse { refusal, short } => (Vec::new(), refund(envelope, order, *refusal, short)),
    };
    DecidedOrder { event_id: paid.event_id(), order_id: order.id, taken, reply: Arc::new(reply) }
}

fn reserved(cause: &Envelope, order: &Order) -> Reply {
    let items = order
        .lines
        .iter()
        .map(|line| ReservedItem { sku: line.sku.to_string(), quantity: line.quantity })
        .collect();
    let event = StockReserved { order_id: order.id, items };
    reply(cause, &event)
}

fn refund(cause: &Envelope, order: &Order, refusal: Refusal, short: &[ShortLine]) -> Reply {
    let item = |short: &ShortLine| ShortItem {
        sku: short.line.sku.to_string(),
        wanted: short.line.quantity,
        available: short.available,
    };
    let event =
        RefundOrder { order_id: order.id, reason: reason(refusal), items: short.iter().map(item).collect() };
    reply(cause, &event)
}

fn reply<E: Event>(cause: &Envelope, event: &E) -> Reply {
    Reply { stream: E::STREAM, envelope: cause.reply(event, SERVICE) }
}

/// A reply out of the inbox, to be published once more.
fn stored_reply(reply: StoredReply, question: &Envelope) -> Reply {
    let envelope = reply.to(question, SERVICE);
    let stream =
        if envelope.kind == StockReserved::TYPE { StockReserved::STREAM } else { RefundOrder::STREAM };
    Reply { stream, envelope }
}
