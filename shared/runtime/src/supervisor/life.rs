//! One life of a supervised actor, as seen by the actor.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ChildStatus, ExitReason};

/// The link of an actor to its supervisor: the actor leaves the reason of its end here before it stops.
#[derive(Debug, Clone)]
pub struct Life {
    end: Arc<Mutex<Option<ExitReason>>>,
    status: Arc<ChildStatus>,
}

impl Life {
    pub(super) fn new(status: Arc<ChildStatus>) -> Self {
        Self { end: Arc::default(), status }
    }

    /// Records the reason for which the actor is about to stop.
    pub fn ends(&self, reason: ExitReason) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// The reason for which the previous life ended.
    pub fn previous_end(&self) -> Option<ExitReason> {
        self.status.last_exit()
    }

    /// Reports the number of items that the actor has accepted and not finished.
    pub fn queue_depth(&self, depth: usize) {
        self.status.set_queue_depth(depth);
    }

    pub(super) fn take_end(&self) -> Option<ExitReason> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
