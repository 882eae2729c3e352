use events::{Envelope, Event};
use uuid::Uuid;

/// Largest data of an event, in bytes: the limit of the contract.
pub const DATA_LIMIT: usize = 256 * 1024;

/// The time that a row stays in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Published again this many times, at doubling intervals, then deleted.
    Repeated(i32),
    /// Kept until the service knows the effect and deletes the row.
    UntilConfirmed,
}

impl Retention {
    pub(super) fn repeats(self) -> Option<i32> {
        match self {
            Self::Repeated(times) => Some(times),
            Self::UntilConfirmed => None,
        }
    }

    pub(super) fn from_repeats(repeats: Option<i32>) -> Self {
        match repeats {
            None => Self::UntilConfirmed,
            Some(times) => Self::Repeated(times),
        }
    }
}

/// An event for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    pub stream: String,
    pub envelope: Envelope,
    pub retention: Retention,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {id} carries {size} bytes of data; the limit is {DATA_LIMIT}")]
pub struct TooLarge {
    pub id: Uuid,
    pub size: usize,
}

impl OutboxEvent {
    /// [`TooLarge`]: refused before anything is stored.
    pub fn new<E: Event>(envelope: Envelope, retention: Retention) -> Result<Self, TooLarge> {
        if envelope.data.len() > DATA_LIMIT {
            return Err(TooLarge { id: envelope.id, size: envelope.data.len() });
        }
        Ok(Self { stream: E::STREAM.to_owned(), envelope, retention })
    }
}
