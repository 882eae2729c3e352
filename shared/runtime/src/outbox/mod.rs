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
