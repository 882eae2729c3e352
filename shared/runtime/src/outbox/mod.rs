//! The outbox: an event is a row in the transaction of its effect, and the relay publishes it.
//!
//! Published and delivered are different things: Redis may lose everything. A row therefore has a
//! [`Retention`], and the sweep checks its copy whenever the row is due:
//!
//! ```sql
//! CREATE TABLE outbox (
//!     event_id   uuid        PRIMARY KEY,
//!     stream     text        COLLATE "C" NOT NULL,
//!     envelope   text        NOT NULL,             -- JSON
//!     repeats    integer,                          -- NULL: until its effect is confirmed
//!     attempts   integer     NOT NULL DEFAULT 0,   -- checks by the sweep
//!     due_at     timestamptz NOT NULL,             -- time of the next check by the sweep
//!     created_at timestamptz NOT NULL DEFAULT now(),
//!     entry_id   text        COLLATE "C",          -- its last copy in Redis, once that is recorded
//!     acknowledged_at timestamptz                  -- when that copy was first seen acknowledged
//! );
//! CREATE INDEX outbox_due ON outbox (stream, due_at);
//! ```
//!
//! A fresh row is leased to the relay of the process that wrote it, which gets the event in memory right
//! after the commit ([`RelayHandle::publish`]). The row is due only `resend-after` later, in case that
//! process died in between.
//!
//! ```text
//!   commit ─> relay ─ XADD ─> Redis          a row is due: copy unread or pending ──────> check again later
//!                └─ entry id, unless confirmed ─> row    copy acknowledged, reply waits ─> check again later
//!                                                        otherwise ───────────────────> publish (again)
//! ```
//!
//! A stream with more unread entries than `stream-backlog` gets no more: the rows wait here until there is
//! room.

mod copies;
mod event;
mod options;
mod partitions;
mod publishing;
mod relay;
mod store;
mod sweep;

pub use event::{DATA_LIMIT, OutboxEvent, Retention, TooLarge};
pub use options::RelayOptions;
pub use partitions::{PartitionsError, agree_on_partitions};
pub use relay::RelayHandle;
pub use store::{OutboxDepth, OutboxRows};
