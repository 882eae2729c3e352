use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::{Progress, Throttle};

/// The [`Throttle`] of this process.
#[derive(Clone)]
pub struct OrderThrottle(Arc<Mutex<Throttle>>);

impl OrderThrottle {
    pub fn new(late_after: Duration) -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(late_after, Instant::now()))))
    }

    pub fn admit(&self) -> bool {
        self.with(|throttle| throttle.admit(Instant::now()))
    }

    /// Records that an order reached its final state.
    pub(super) fn record_end(&self, progress: &Progress) {
        let time = progress.time_to_end().unwrap_or_default();
        self.with(|throttle| throttle.record_end(time, Instant::now()));
    }

    fn with<T>(&self, change: impl FnOnce(&mut Throttle) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
