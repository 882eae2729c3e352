//! One round: decides and commits the waiting orders, then publishes their replies.
//!
//! ```text
//!   orders ─> delivered before? ── yes ─> inbox: publish the stored reply          Duplicate
//!                 │ no                                    ^
//!                 v                                       │
//!             hold every line, in order ─> Reserve | Refuse            (decider.rs)
//!                 v                                       │
//!             WriteStock: one transaction ── refused ─────┴─ forget these products, start again
//!                 │                        ├─ unavailable ─> forget them           Transient
//!                 │                        └─ a product is locked ─> its orders: Transient; retry the others
//!                 v
//!             commit the holds; stock_reserved | refund_order                      Done
//! ```
//!
//! An outcome is returned once its reply is in Redis or in the outbox. After a crash before that, the entry
//! is still pending and the inbox holds the reply.
//!
//! Between two rounds no commit is in flight, so no refusal depends on a commit that fails.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    rc::Rc,
    sync::Arc,
};

use events::Envelope;
use runtime::{
    db::{Commits, DbError, Failure},
    inbox,
    stream::Outcome,
};
use uuid::Uuid;

use super::{
    PaidOrder, ProductParts,
    attempt_error::AttemptError,
    decider::{Decider, Taken},
    directory::Directory,
    replies,
};
use crate::{
    domain::{Level, Sku},
    store::{self, DecidedOrder, NEVER_NEGATIVE, ORDER_ONCE, Reply, WriteStock},
};

/// One attempt each for an undetected duplicate, a stale view and a duplicate of another instance, and one
/// spare.
const ATTEMPTS: usize = 4;

/// Orders per send to the writer in a large round: the default `commit-batch`.
const PART: usize = 512;

struct RoundOrder<'a> {
    paid: &'a PaidOrder,
    outcome: Option<Outcome>,
    /// Published before the outcome is returned.
    reply: Option<Arc<Reply>>,
}

/// Levels after the batch.
type Committed = Result<Arc<HashMap<Sku, Level>>, Failure>;

pub(super) struct CommittedRound {
    results: Vec<(Outcome, Option<Arc<Reply>>)>,
    /// Index in `results`.
    index_of_order: Vec<usize>,
}

pub(super) struct Round {
    pub directory: Directory,
    pub writer: Commits<WriteStock>,
    pub parts: Rc<ProductParts>,
    /// Products locked when last checked. Each round checks them before it waits for a lock.
    pub locked: RefCell<HashSet<Sku>>,
}

impl Round {
    /// Decides a repeated event once.
    pub(super) async fn commit(&self, paid: &[PaidOrder]) -> CommittedRound {
        let mut orders: Vec<RoundOrder> = Vec::with_capacity(paid.len());
        let mut index_of = HashMap::with_capacity(paid.len());
        let mut index_of_order = Vec::with_capacity(paid.len());
        for paid in paid {
            index_of_order.push(*index_of.entry(paid.event_id()).or_insert_with(|| {
                orders.push(RoundOrder { paid, outcome: None, reply: None });
                orders.len() - 1
            }));
        }
        self.commit_orders(&mut orders).await;
        let result = |order: RoundOrder<'_>| (order.outcome.unwrap_or_else(undecided), order.reply);
        CommittedRound { results: orders.into_iter().map(result).collect(), index_of_order }
    }

    /// One outcome an order, in order.
    pub(super) async fn publish(&self, mut committed: CommittedRound) -> Vec<Outcome> {
        self.publish_replies(&mut committed.results).await;
        let mut outcome = |index: &usize| {
            let outcome = &mut committed.results[*index].0;
            // The second of two equal events is a duplicate.
            let repeated = if *outcome == Outcome::Done { Outcome::Duplicate } else { outcome.clone() };
            std::mem::replace(outcome, repeated)
        };
        committed.index_of_order.iter().map(&mut outcome).collect()
    }

    /// Commits one batch or, after repeated refusals, order by order.
    async fn commit_orders(&self, orders: &mut [RoundOrder<'_>]) {
        let mut outage = match self.commit_with_retries(orders).await {
            Ok(()) => return,
            Err(AttemptError::Database(Failure::Unavailable(why)) | AttemptError::Contended(why)) => {
                Some(why)
            }
            Err(error) => match orders {
                [single] => return single.outcome = Some(Outcome::Failed(error.to_string())),
                _ => None,
            },
        };
        for order in orders.iter_mut().filter(|order| order.outcome.is_none()) {
            if outage.is_none() {
                match self.commit_with_retries(std::slice::from_mut(order)).await {
                    Ok(()) => continue,
                    Err(AttemptError::Database(Failure::Unavailable(why)) | AttemptError::Contended(why)) => {
                        outage = Some(why)
                    }
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
                Err(error @ (AttemptError::Database(Failure::Refused(_)) | AttemptError::ProductLost(_)))
                    if attempt < ATTEMPTS =>
                {
                    log_refusal(&error, orders.len(), attempt);
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

    /// True: the other orders can go on.
    async fn find_locked(&self, orders: &[RoundOrder<'_>], why: &str) -> Result<bool, AttemptError> {
        let open = orders.iter().filter(|order| order.outcome.is_none());
        let skus: HashSet<Sku> =
            open.flat_map(|order| &order.paid.order.lines).map(|line| line.sku.clone()).collect();
        let found = self.locked_among(skus.into_iter().collect()).await?;
        let some = !found.is_empty();
        if some {
            let products = found.iter().map(Sku::as_str).collect::<Vec<_>>();
            tracing::warn!(?products, why, "product rows are locked by another session; their orders wait");
        }
        self.locked.borrow_mut().extend(found);
        Ok(some)
    }

    async fn locked_among(&self, skus: Vec<Sku>) -> Result<Vec<Sku>, AttemptError> {
        Ok(store::locked(&self.parts.database.connection().await?, &skus).await?)
    }

    /// Orders of locked products are retried later.
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

    /// Drops the wanted products after an error, because their views are in doubt.
    async fn attempt(&self, orders: &mut [RoundOrder<'_>], attempt: usize) -> Result<(), AttemptError> {
        // Reading the inbox first pays only where duplicates are likely.
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

    /// A sender that repeats an event has not received the reply.
    async fn answer_duplicates(&self, orders: &mut [RoundOrder<'_>]) -> Result<(), AttemptError> {
        let open = orders.iter().filter(|order| order.outcome.is_none()).map(|order| order.paid);
        // The previous version stored the event under its envelope id.
        let ids: Vec<Uuid> = open.flat_map(|paid| [paid.event_id(), paid.envelope.id]).collect();
        let mut stored = store::answered(&self.parts.database.connection().await?, &ids).await?;
        for order in orders.iter_mut().filter(|order| order.outcome.is_none()) {
            let envelope = &order.paid.envelope;
            let found = stored.remove(&order.paid.event_id()).or_else(|| stored.remove(&envelope.id));
            if let Some(reply) = found {
                order.reply = reply.map(|reply| Arc::new(replies::stored_reply(reply, envelope)));
                order.outcome = Some(Outcome::Duplicate);
            }
        }
        Ok(())
    }

    /// Replies that Redis refuses wait in the outbox, so that a full stream delays no other acknowledgement.
    async fn publish_replies(&self, results: &mut [(Outcome, Option<Arc<Reply>>)]) {
        let mut unsent: Vec<(&mut Outcome, &Reply)> =
            results.iter_mut().filter_map(|(outcome, reply)| Some((outcome, reply.as_deref()?))).collect();
        if unsent.is_empty() {
            return;
        }
        let replies: Vec<(&str, &Envelope)> =
            unsent.iter().map(|(_, reply)| (reply.stream, &reply.envelope)).collect();
        match self.parts.broker.publish(&replies).await {
            Err(error) => unsent.iter_mut().for_each(|(outcome, _)| **outcome = unpublished(&error)),
            Ok(results) => {
                let mut refused: Vec<_> = unsent
                    .into_iter()
                    .zip(results)
                    .filter_map(|(unsent, result)| result.is_err().then_some(unsent))
                    .collect();
                if let Err(error) = self.park(refused.iter().map(|(_, reply)| *reply).collect()).await {
                    refused.iter_mut().for_each(|(outcome, _)| **outcome = unpublished(&error));
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

    /// After an error the holds remain in products that the caller drops.
    async fn decide_and_commit(
        &self,
        open: &mut [&mut RoundOrder<'_>],
        wanted: &BTreeMap<Sku, u32>,
    ) -> Result<(), AttemptError> {
        let mut decider = Decider::begin(&self.directory, &self.parts, wanted).await?;
        let commits = self.decide(&mut decider, open).await?;
        let mut taken = Taken::default();
        let mut failure = None;
        let mut counts = HashMap::new();
        for (order, (decided, label, commit)) in open.iter_mut().zip(commits) {
            match commit.await {
                Ok(levels) => {
                    *counts.entry(label).or_insert(0) += 1;
                    taken.add(&decided.taken, &levels);
                    order.outcome = Some(Outcome::Done);
                    order.reply = Some(Arc::clone(&decided.reply));
                }
                Err(error) => failure = Some(error),
            }
        }
        for (label, orders) in counts {
            metrics::counter!("orderflow_reservations_total", "outcome" => label).increment(orders);
        }
        decider.commit_holds(taken).await;
        failure.map_or(Ok(()), |error| Err(counted(error).into()))
    }

    /// Returns labels and futures of the commits.
    async fn decide(
        &self,
        decider: &mut Decider<'_>,
        open: &[&mut RoundOrder<'_>],
    ) -> Result<Vec<(Arc<DecidedOrder>, &'static str, impl Future<Output = Committed> + use<>)>, AttemptError>
    {
        let mut decided = Vec::with_capacity(open.len());
        let mut commits = Vec::with_capacity(open.len());
        let commit = |part: &[(Arc<DecidedOrder>, &str)]| {
            self.writer.commit_all(part.iter().map(|(order, _)| Arc::clone(order)).collect())
        };
        for order in open {
            let decision = decider.decide(&order.paid.order).await?;
            let order = Arc::new(replies::decided_order(order.paid, &decision));
            decided.push((order, replies::label(&decision)));
            // Without a shortage no decision depends on these commits.
            if decider.all_held && decided.len() - commits.len() == PART {
                commits.extend(commit(&decided[commits.len()..]));
                tokio::task::yield_now().await; // the writer runs on this thread
            }
        }
        commits.extend(commit(&decided[commits.len()..]));
        Ok(decided.into_iter().zip(commits).map(|((order, label), commit)| (order, label, commit)).collect())
    }
}

fn undecided() -> Outcome {
    Outcome::Transient("the order was not decided".to_owned())
}

fn unpublished(why: &dyn std::fmt::Display) -> Outcome {
    Outcome::Transient(format!("the reply is not published: {why}"))
}

/// Undetected duplicates are expected: debug.
fn log_refusal(error: &AttemptError, orders: usize, attempt: usize) {
    match error {
        AttemptError::Database(Failure::Refused(refusal))
            if [inbox::ONCE, ORDER_ONCE].iter().any(|once| refusal.violates(once)) =>
        {
            tracing::debug!("a batch held an event that was processed before; deciding again")
        }
        _ => tracing::warn!(orders, attempt, %error, "the batch was not committed; deciding again"),
    }
}

fn wanted(orders: &[&mut RoundOrder<'_>]) -> BTreeMap<Sku, u32> {
    let mut wanted: BTreeMap<Sku, u32> = BTreeMap::new();
    for line in orders.iter().flat_map(|order| &order.paid.order.lines) {
        let quantity = wanted.entry(line.sku.clone()).or_default();
        *quantity = quantity.saturating_add(line.quantity);
    }
    wanted
}

fn counted(error: Failure) -> Failure {
    if matches!(&error, Failure::Refused(error) if error.violates(NEVER_NEGATIVE)) {
        metrics::counter!("orderflow_oversell_guard_total").increment(1);
    }
    error
}
