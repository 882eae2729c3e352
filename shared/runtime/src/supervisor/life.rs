use std::sync::{Arc, Mutex, PoisonError};

use super::{ChildStatus, ExitReason};

/// The link of an actor to its supervisor.
#[derive(Debug, Clone)]
pub struct Life {
    end: Arc<Mutex<Option<ExitReason>>>,
    status: Arc<ChildStatus>,
}

impl Life {
    pub(super) fn new(status: Arc<ChildStatus>) -> Self {
        Self { end: Arc::default(), status }
    }

    /// Records the reason before the actor stops.
    pub fn ends(&self, reason: ExitReason) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// The end of the previous life.
    pub fn previous_end(&self) -> Option<ExitReason> {
        self.status.last_exit()
    }

    /// Reports the accepted, unfinished items.
    pub fn queue_depth(&self, depth: usize) {
        self.status.set_queue_depth(depth);
    }

    pub(super) fn take_end(&self) -> Option<ExitReason> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
