//! Whether one more order is taken. What is accepted must be worked off: taking orders is cheaper than
//! finishing them, and would win every race for the processor.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::Pace;

/// The [`Pace`] of this process: who takes orders asks it, who brings them to their end tells it.
#[derive(Clone)]
pub struct Intake(Arc<Mutex<Pace>>);

impl Intake {
    /// `late_after`: see [`Pace::new`].
    pub fn new(late_after: Duration) -> Self {
        Self(Arc::new(Mutex::new(Pace::new(late_after, Instant::now()))))
    }

    /// Whether one more order may be taken.
    pub fn take(&self) -> bool {
        self.pace(|pace| pace.take(Instant::now()))
    }

    /// An order came to its end, this long after it was paid.
    pub(super) fn ended(&self, after: Duration) {
        self.pace(|pace| pace.ended(after, Instant::now()));
    }

    fn pace<T>(&self, what: impl FnOnce(&mut Pace) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
