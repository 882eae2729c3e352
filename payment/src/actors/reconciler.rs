//! Reconciler: asks the provider again, for what it has not done yet.
//!
//! An order that stays `pending` although nobody works on it (its process died before the charge) is found by
//! a sweep of `charges_due`. From then on it is retried like a charge that failed: each with a backoff of its
//! own, all of them together no faster than `provider-retry-rate`. They have slots of their own, so that new
//! orders are charged beside them.
//!
//! One that stays `completed` is not its work: the outbox row of its event is still there, and the relay
//! publishes it again.

use std::{cell::Cell, future::Future, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{db::DbError, drains_at_once, supervisor::Life};
use tokio::{sync::Semaphore, time::Instant};

use super::{ReconcilerParts, charging::retry_charge, refunding::retry_refund};
use crate::store::{self, DueCharge, DueRefund};

/// Retried charges in progress at one time, and as many refunds. At `provider-timeout` each that is 32 a
/// second of either.
const IN_FLIGHT: usize = 64;
/// What a retry may take beside the answer of the provider: the default `commit-deadline` of a group commit.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The actor.
pub struct Reconciler {
    parts: Rc<ReconcilerParts>,
    life: Life,
}

impl Reconciler {
    pub fn new(parts: ReconcilerParts, life: Life) -> Self {
        Self { parts: Rc::new(parts), life }
    }
}

impl Actor for Reconciler {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let parts = || Rc::clone(&self.parts);
        let rate = Rc::new(RetryRate::new(self.parts.settings.retry_rate));
        context.spawn(sweep(parts()).into_actor(self));
        context.spawn(retry_charges(parts(), Rc::clone(&rate)).into_actor(self));
        context.spawn(retry_refunds(parts(), rate).into_actor(self));
    }
}

// A request in progress goes on. The lease of its row ends if the answer cannot be recorded any more.
drains_at_once!(Reconciler);

async fn sweep(parts: Rc<ReconcilerParts>) {
    loop {
        tokio::time::sleep(parts.settings.interval).await;
        if let Err(error) = sweep_once(&parts).await {
            tracing::debug!(%error, "the reconciler could not look");
        }
    }
}

async fn sweep_once(parts: &ReconcilerParts) -> Result<(), DbError> {
    let connection = parts.cashier.database.connection().await?;
    let orders = store::sweep_charges(&connection, parts.settings.after).await?;
    if orders > 0 {
        tracing::info!(orders, "charging what stayed pending");
    }
    let waiting = store::waiting(&connection).await?;
    metrics::gauge!("orderflow_charges_retried").set(waiting.charges as f64);
    metrics::gauge!("orderflow_charges_retried_oldest_seconds").set(waiting.oldest_charge);
    metrics::gauge!("orderflow_refunds_waiting").set(waiting.refunds as f64);
    metrics::gauge!("orderflow_refunds_waiting_oldest_seconds").set(waiting.oldest_refund);
    Ok(())
}

async fn retry_charges(parts: Rc<ReconcilerParts>, rate: Rc<RetryRate>) {
    let lease = parts.cashier.settings.timeout + LEASE_MARGIN;
    let take = async |limit| {
        store::take_due_charges(&parts.cashier.database.connection().await?, limit, lease).await
    };
    // The first attempt at a charge whose process died before it is no retry.
    let is_retry = |due: &DueCharge| due.attempts > 0;
    let ask = |due: DueCharge| {
        let parts = Rc::clone(&parts);
        async move { retry_charge(&parts.cashier, &due.order).await }
    };
    retry(parts.settings.interval, &rate, take, is_retry, ask).await;
}

async fn retry_refunds(parts: Rc<ReconcilerParts>, rate: Rc<RetryRate>) {
    let lease = parts.cashier.settings.timeout + LEASE_MARGIN;
    let take = async |limit| {
        store::take_due_refunds(&parts.cashier.database.connection().await?, limit, lease).await
    };
    let ask = |due: DueRefund| {
        let parts = Rc::clone(&parts);
        async move { retry_refund(&parts, &due).await }
    };
    retry(parts.settings.interval, &rate, take, |_| true, ask).await;
}

/// Takes what is due, as much as there are slots for, and asks for each on its own.
async fn retry<T, F: Future<Output = ()> + 'static>(
    interval: Duration,
    rate: &RetryRate,
    take: impl AsyncFn(i64) -> Result<Vec<T>, DbError>,
    is_retry: impl Fn(&T) -> bool,
    ask: impl Fn(T) -> F,
) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    loop {
        drop(slots.acquire().await); // until one is free
        let limit = slots.available_permits().min(rate.per_second as usize);
        let due = take(limit as i64).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the reconciler could not look");
            Vec::new()
        });
        if due.is_empty() {
            tokio::time::sleep(interval).await;
            continue;
        }
        let retries = due.iter().filter(|due| is_retry(due)).count();
        for due in due {
            let slot = Arc::clone(&slots).try_acquire_owned();
            let asked = ask(due);
            actix_rt::spawn(async move {
                asked.await;
                drop(slot);
            });
        }
        rate.spend(retries).await;
    }
}

/// `provider-retry-rate`, for all that is asked for again.
struct RetryRate {
    per_second: u32,
    /// When everything that was asked for so far is paid for.
    free_at: Cell<Instant>,
}

impl RetryRate {
    fn new(per_second: u32) -> Self {
        Self { per_second, free_at: Cell::new(Instant::now()) }
    }

    /// Waits until this many more have their time.
    async fn spend(&self, retries: usize) {
        let time = Duration::from_secs_f64(retries as f64 / f64::from(self.per_second));
        let free_at = self.free_at.get().max(Instant::now()) + time;
        self.free_at.set(free_at);
        tokio::time::sleep_until(free_at).await;
    }
}
