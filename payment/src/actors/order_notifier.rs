//! Wakes long polls when their order moves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

/// Notifies about moves of this process only.
#[derive(Debug, Clone, Default)]
pub struct OrderNotifier(Arc<Mutex<HashMap<Uuid, Subscribers>>>);

#[derive(Debug, Default)]
struct Subscribers {
    moved: Arc<Notify>,
    count: usize,
}

#[derive(Debug)]
pub struct Subscription {
    notifier: OrderNotifier,
    order: Uuid,
    moved: Arc<Notify>,
}

impl OrderNotifier {
    pub fn notify(&self, order: Uuid) {
        if let Some(subscribers) = self.lock().get(&order) {
            subscribers.moved.notify_waiters();
        }
    }

    pub(super) fn subscribe(&self, order: Uuid) -> Subscription {
        let mut all = self.lock();
        let subscribers = all.entry(order).or_default();
        subscribers.count += 1;
        Subscription { notifier: self.clone(), order, moved: Arc::clone(&subscribers.moved) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Subscribers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Completes at the next move after this call.
    pub(super) fn next_move(&self) -> tokio::sync::futures::Notified<'_> {
        self.moved.notified()
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
