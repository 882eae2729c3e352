//! Reconciler: retries charges and refunds at the provider, with slots of their own beside new orders.
//!
//! A sweep of `charges_due` adds orders that stay `pending`, because their process died before the charge.

use std::{cell::Cell, future::Future, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{db::DbError, drains_at_once, supervisor::Life};
use tokio::{sync::Semaphore, time::Instant};

use super::{ReconcilerParts, charging::retry_charge, refunding::retry_refund};
use crate::store::{self, DueCharge, DueRefund};

/// Retries of charges in progress, and as many of refunds: 32 a second of either at the default
/// `provider-timeout`.
const IN_FLIGHT: usize = 64;
/// Covers `commit-deadline` (2 s by default).
const LEASE_MARGIN: Duration = Duration::from_secs(5);

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

// Requests in progress continue. An unrecorded one is retried after its lease.
drains_at_once!(Reconciler);

async fn sweep(parts: Rc<ReconcilerParts>) {
    loop {
        tokio::time::sleep(parts.settings.interval).await;
        if let Err(error) = sweep_once(&parts).await {
            tracing::debug!(%error, "a sweep of pending charges failed");
        }
    }
}

async fn sweep_once(parts: &ReconcilerParts) -> Result<(), DbError> {
    let connection = parts.cashier.database.connection().await?;
    let orders = store::sweep_charges(&connection, parts.settings.after).await?;
    if orders > 0 {
        tracing::info!(orders, "charging orders that stayed pending");
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
    // The first attempt is free of the rate.
    let is_retry = |due: &DueCharge| due.attempts > 0;
    let attempt = |due: DueCharge| {
        let parts = Rc::clone(&parts);
        async move { retry_charge(&parts.cashier, &due.order).await }
    };
    retry(parts.settings.interval, &rate, take, is_retry, attempt).await;
}

async fn retry_refunds(parts: Rc<ReconcilerParts>, rate: Rc<RetryRate>) {
    let lease = parts.cashier.settings.timeout + LEASE_MARGIN;
    let take = async |limit| {
        store::take_due_refunds(&parts.cashier.database.connection().await?, limit, lease).await
    };
    let attempt = |due: DueRefund| {
        let parts = Rc::clone(&parts);
        async move { retry_refund(&parts, &due).await }
    };
    retry(parts.settings.interval, &rate, take, |_| true, attempt).await;
}

async fn retry<T, F: Future<Output = ()> + 'static>(
    interval: Duration,
    rate: &RetryRate,
    take: impl AsyncFn(i64) -> Result<Vec<T>, DbError>,
    is_retry: impl Fn(&T) -> bool,
    attempt: impl Fn(T) -> F,
) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    loop {
        drop(slots.acquire().await); // until one is free
        let limit = slots.available_permits().min(rate.per_second as usize);
        let due = take(limit as i64).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "due retries were not read");
            Vec::new()
        });
        if due.is_empty() {
            tokio::time::sleep(interval).await;
            continue;
        }
        let retries = due.iter().filter(|due| is_retry(due)).count();
        for due in due {
            let slot = Arc::clone(&slots).try_acquire_owned();
            let attempt = attempt(due);
            actix_rt::spawn(async move {
                attempt.await;
                drop(slot);
            });
        }
        rate.spend(retries).await;
    }
}

/// `provider-retry-rate`, for charges and refunds together.
struct RetryRate {
    per_second: u32,
    /// Earliest time of the next retry.
    free_at: Cell<Instant>,
}

impl RetryRate {
    fn new(per_second: u32) -> Self {
        Self { per_second, free_at: Cell::new(Instant::now()) }
    }

    /// Waits until this many retries are within the rate.
    async fn spend(&self, retries: usize) {
        let time = Duration::from_secs_f64(retries as f64 / f64::from(self.per_second));
        let free_at = self.free_at.get().max(Instant::now()) + time;
        self.free_at.set(free_at);
        tokio::time::sleep_until(free_at).await;
    }
}
