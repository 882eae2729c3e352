//! Who waits for an order to move.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

/// Long polls, by order. Only moves made by this process are noticed here: who waits looks at the database
/// now and then too.
#[derive(Debug, Clone, Default)]
pub struct Watchers(Arc<Mutex<HashMap<Uuid, Watched>>>);

#[derive(Debug, Default)]
struct Watched {
    moved: Arc<Notify>,
    waiting: usize,
}

/// A place in the queue of an order; given back when dropped.
#[derive(Debug)]
pub struct Watch {
    watchers: Watchers,
    order: Uuid,
    moved: Arc<Notify>,
}

impl Watchers {
    /// Wakes everybody who waits for `order`.
    pub fn moved(&self, order: Uuid) {
        if let Some(watched) = self.lock().get(&order) {
            watched.moved.notify_waiters();
        }
    }

    pub(super) fn watch(&self, order: Uuid) -> Watch {
        let mut all = self.lock();
        let watched = all.entry(order).or_default();
        watched.waiting += 1;
        Watch { watchers: self.clone(), order, moved: Arc::clone(&watched.moved) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Ends at the next move after this call.
    pub(super) fn next_move(&self) -> tokio::sync::futures::Notified<'_> {
        self.moved.notified()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut all = self.watchers.lock();
        if let Some(watched) = all.get_mut(&self.order) {
            watched.waiting -= 1;
            if watched.waiting == 0 {
                all.remove(&self.order);
            }
        }
    }
}
