//! Whether one more order is taken. What is accepted must be worked off: taking orders is cheaper than
//! finishing them, and would win every race for the processor.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::Throttle;

/// The [`Throttle`] of this process: who takes orders asks it, who brings them to their end tells it.
#[derive(Clone)]
pub struct OrderThrottle(Arc<Mutex<Throttle>>);

impl OrderThrottle {
    /// `late_after`: see [`Throttle::new`].
    pub fn new(late_after: Duration) -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(late_after, Instant::now()))))
    }

    /// Whether one more order may be taken.
    pub fn admit(&self) -> bool {
        self.with(|throttle| throttle.admit(Instant::now()))
    }

    /// An order came to its end, this long after it was paid.
    pub(super) fn record_end(&self, after: Duration) {
        self.with(|throttle| throttle.record_end(after, Instant::now()));
    }

    fn with<T>(&self, change: impl FnOnce(&mut Throttle) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
