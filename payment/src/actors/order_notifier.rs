//! Hands the progress of an order to the requests that wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use runtime::shutdown::Shutdown;
use tokio::{sync::watch, time};
use uuid::Uuid;

use crate::domain::{Order, Progress};

/// The waiting requests of each order.
#[derive(Debug, Clone)]
pub struct OrderNotifier {
    waiting: Arc<Mutex<HashMap<Uuid, Subscribers>>>,
    /// Ends waits early.
    shutdown: Shutdown,
}

#[derive(Debug)]
struct Subscribers {
    progress: watch::Sender<Option<Arc<Progress>>>,
    since: Instant,
    count: usize,
}

/// The subscription of a waiting request, ended on drop.
#[derive(Debug)]
pub struct Subscription {
    notifier: OrderNotifier,
    order: Uuid,
    progress: watch::Receiver<Option<Arc<Progress>>>,
}

impl OrderNotifier {
    pub fn new(shutdown: Shutdown) -> Self {
        Self { waiting: Arc::default(), shutdown }
    }

    /// Subscribes to the transitions of `order` from now on.
    pub fn subscribe(&self, order: Uuid) -> Subscription {
        let mut all = self.lock();
        let subscribers = all.entry(order).or_insert_with(|| Subscribers {
            progress: watch::Sender::new(None),
            since: Instant::now(),
            count: 0,
        });
        subscribers.count += 1;
        Subscription { notifier: self.clone(), order, progress: subscribers.progress.subscribe() }
    }

    pub(super) fn notify(&self, order: Uuid, progress: &Arc<Progress>) {
        if let Some(subscribers) = self.lock().get(&order) {
            subscribers.progress.send_if_modified(|known| {
                // A read may be older than a transition that came in between.
                let is_new = known
                    .as_ref()
                    .is_none_or(|known| !known.status.is_terminal() && known.status != progress.status);
                if is_new {
                    *known = Some(Arc::clone(progress));
                }
                is_new
            });
        }
    }

    /// The orders that requests have waited for at least this long.
    pub(super) fn waiting_for(&self, time: Duration) -> Vec<Uuid> {
        self.lock().iter().filter(|(_, all)| all.since.elapsed() >= time).map(|(order, _)| *order).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Subscribers>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Waits until `arrived` holds for the order, the time is up, or the service ends.
    pub async fn until(&mut self, order: &mut Order, arrived: impl Fn(&Order) -> bool, timeout: Duration) {
        let shutdown = self.shutdown();
        let waiting = async {
            while !arrived(order) {
                let progress = self.next().await;
                order.advance(&progress);
            }
        };
        tokio::select! {
            biased;
            _ = time::timeout(timeout, waiting) => {}
            () = shutdown.begun() => {}
        }
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        self.notifier.shutdown.clone()
    }

    /// The order's last transition, once one follows the subscription or the previous call.
    pub async fn next(&mut self) -> Arc<Progress> {
        loop {
            // The notifier holds the sender while this subscription lasts.
            if self.progress.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(progress) = self.progress.borrow_and_update().clone() {
                return progress;
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut all = self.notifier.lock();
        if let Some(subscribers) = all.get_mut(&self.order) {
            subscribers.count -= 1;
            if subscribers.count == 0 {
                all.remove(&self.order);
            }
        }
    }
}
