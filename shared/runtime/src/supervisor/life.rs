//! One life of a supervised actor, as the actor itself sees it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ChildStatus, ExitReason};

/// What an actor knows of its own life: it leaves the reason of its end here before it stops itself.
#[derive(Debug, Clone)]
pub struct Life {
    end: Arc<Mutex<Option<ExitReason>>>,
    status: Arc<ChildStatus>,
}

impl Life {
    pub(super) fn new(status: Arc<ChildStatus>) -> Self {
        Self { end: Arc::default(), status }
    }

    /// Why the actor is about to stop.
    pub fn ends(&self, reason: ExitReason) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Why the life before this one ended.
    pub fn previous_end(&self) -> Option<ExitReason> {
        self.status.last_exit()
    }

    /// Items the actor has accepted and not finished.
    pub fn queue_depth(&self, depth: usize) {
        self.status.set_queue_depth(depth);
    }

    pub(super) fn take_end(&self) -> Option<ExitReason> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
