//! The reasons for which an actor ends.

use std::{any::Any, fmt};

/// The reason for which an actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// A handler, or a future of the actor, panicked.
    Panicked(String),
    /// Redis or PostgreSQL went away or refused a request.
    Disconnected(String),
    /// The actor stopped without a reason.
    Stopped,
    /// The actor finished its work on request ([`Drain`](super::Drain)).
    Drained,
}

impl ExitReason {
    /// The label `reason` of `orderflow_actor_restarts_total`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panicked",
            Self::Disconnected(_) => "disconnected",
            Self::Stopped => "stopped",
            Self::Drained => "drained",
        }
    }

    /// Whether the end counts towards the fault limit: outages are exempt.
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
