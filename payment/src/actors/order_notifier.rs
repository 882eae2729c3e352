//! Hands the progress of an order to the requests that wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::Progress;

/// The waiting requests of each order. Only transitions of this process reach them, so a waiting request also
/// reads its order at intervals.
#[derive(Debug, Clone, Default)]
pub struct OrderNotifier(Arc<Mutex<HashMap<Uuid, Subscribers>>>);

#[derive(Debug)]
struct Subscribers {
    progress: watch::Sender<Option<Arc<Progress>>>,
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
    /// Subscribes to the transitions of `order` from now on.
    pub fn subscribe(&self, order: Uuid) -> Subscription {
        let mut all = self.lock();
        let subscribers =
            all.entry(order).or_insert_with(|| Subscribers { progress: watch::Sender::new(None), count: 0 });
        subscribers.count += 1;
        Subscription { notifier: self.clone(), order, progress: subscribers.progress.subscribe() }
    }

    pub(super) fn notify(&self, order: Uuid, progress: &Arc<Progress>) {
        if let Some(subscribers) = self.lock().get(&order) {
            subscribers.progress.send_replace(Some(Arc::clone(progress)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Subscribers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
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
