use std::{any::Any, fmt};

/// Why an actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    Panicked(String),
    /// Redis or PostgreSQL went away or refused.
    Disconnected(String),
    /// Without a reason.
    Stopped,
    /// On request ([`Drain`](super::Drain)).
    Drained,
}

impl ExitReason {
    /// All labels.
    pub(super) const LABELS: [&str; 4] = ["panicked", "disconnected", "stopped", "drained"];

    /// The metric label `reason`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panicked",
            Self::Disconnected(_) => "disconnected",
            Self::Stopped => "stopped",
            Self::Drained => "drained",
        }
    }

    /// Whether the end counts towards the fault limit.
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
