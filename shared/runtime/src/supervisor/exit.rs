//! Why an actor ended.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::ChildStatus;

/// Why an actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// A handler, or a future of the actor, panicked.
    Panicked(String),
    /// Redis or PostgreSQL went away under it, or refused what it needs.
    Disconnected(String),
    /// It stopped without saying why.
    Stopped,
    /// It was asked to.
    Drained,
}

impl ExitReason {
    /// The label of `orderflow_actor_restarts_total`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panicked",
            Self::Disconnected(_) => "disconnected",
            Self::Stopped => "stopped",
            Self::Drained => "drained",
        }
    }

    /// Whether the end counts towards the intensity limit: outages do not.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::Disconnected(_) | Self::Drained)
    }

    pub(super) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self::Panicked(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(why) | Self::Disconnected(why) => write!(f, "{}: {why}", self.label()),
            Self::Stopped | Self::Drained => f.write_str(self.label()),
        }
    }
}

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
