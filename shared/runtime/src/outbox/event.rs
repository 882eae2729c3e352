//! An event for the outbox, and the retention of its row.

use events::{Envelope, Event};
use uuid::Uuid;

/// Largest data of an event, in bytes: 256 KiB, the limit of the contract.
pub const DATA_LIMIT: usize = 256 * 1024;

/// The time that the row of an event stays in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Published again this many times, at intervals that start at `resend-after` and double, then deleted.
    /// 0: deleted after the first publication.
    Repeated(i32),
    /// Kept until the service deletes the row, once the effect at the consumer is known.
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
    /// The stream it is published to.
    pub stream: String,
    /// The event.
    pub envelope: Envelope,
    /// The time that its row stays.
    pub retention: Retention,
}

/// The event's data is larger than [`DATA_LIMIT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {id} carries {size} bytes of data; the limit is {DATA_LIMIT}")]
pub struct TooLarge {
    /// The event id.
    pub id: Uuid,
    /// Bytes of data.
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
