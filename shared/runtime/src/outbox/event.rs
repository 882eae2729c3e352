//! An event on its way into the outbox, and how long its row stays.

use events::{Envelope, Event};
use uuid::Uuid;

/// Largest data of an event, in bytes: the contract's 256 KiB.
pub const DATA_LIMIT: usize = 256 * 1024;

/// How long the row of an event stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Published again this many times, `resend-after` doubling in between, then forgotten; 0: when it was
    /// published.
    Repeated(i32),
    /// Until the service deletes the row because the effect at the other side is known.
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

/// An event on its way into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    pub stream: String,
    pub envelope: Envelope,
    pub retention: Retention,
}

/// The event's data is larger than [`DATA_LIMIT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {id} carries {size} bytes of data; the limit is {DATA_LIMIT}")]
pub struct TooLarge {
    pub id: Uuid,
    pub size: usize,
}

impl OutboxEvent {
    /// An event of type `E`.
    ///
    /// # Errors
    /// [`TooLarge`]: refused here, before anything is stored.
    pub fn new<E: Event>(envelope: Envelope, retention: Retention) -> Result<Self, TooLarge> {
        if envelope.data.len() > DATA_LIMIT {
            return Err(TooLarge { id: envelope.id, size: envelope.data.len() });
        }
        Ok(Self { stream: E::STREAM.to_owned(), envelope, retention })
    }
}
