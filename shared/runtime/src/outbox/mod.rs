//! The outbox: events are rows of the effect's own transaction, and the relay publishes them.
//!
//! Published is not delivered: Redis may lose everything. So a row says how long it stays ([`Retention`]),
//! and is looked at again whenever it falls due:
//!
//! ```sql
//! CREATE TABLE outbox (
//!     event_id   uuid        PRIMARY KEY,
//!     stream     text        COLLATE "C" NOT NULL,
//!     envelope   text        NOT NULL,             -- JSON
//!     repeats    integer,                          -- NULL: until its effect is confirmed
//!     attempts   integer     NOT NULL DEFAULT 0,   -- looks by the sweep
//!     due_at     timestamptz NOT NULL,             -- when the sweep looks at it (again)
//!     created_at timestamptz NOT NULL DEFAULT now(),
//!     entry_id   text        COLLATE "C"           -- its last copy in Redis, once that is known
//! );
//! CREATE INDEX outbox_due ON outbox (stream, due_at);
//! ```
//!
//! A fresh row is leased to the relay of the process that wrote it: it is fed in memory right after the
//! commit ([`RelayHandle::publish`]) and falls due only `resend-after` later, in case that process died in
//! between.
//!
//! ```text
//!   commit ─> relay ─ XADD ─> Redis             a row that is due:  its copy is unread or pending ──> looked at again later
//!                └─ entry id, unless confirmed ─> row                it is acknowledged, answers wait ─> looked at again later
//!                                                                    otherwise ──────────────────────> published (again)
//! ```
//!
//! A stream that holds more unread entries than `stream-backlog` gets no more: the rows wait here, and are
//! swept when there is room.

mod copies;
mod partitions;
mod relay;
mod store;
mod sweep;

use uuid::Uuid;

pub use partitions::{PartitionsError, agree_on_partitions};
pub use relay::{RelayHandle, RelayOptions};
pub use store::{OutboxDepth, OutboxRows};

use events::{Envelope, Event};

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
    fn repeats(self) -> Option<i32> {
        match self {
            Self::Repeated(times) => Some(times),
            Self::UntilConfirmed => None,
        }
    }

    fn from_repeats(repeats: Option<i32>) -> Self {
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
