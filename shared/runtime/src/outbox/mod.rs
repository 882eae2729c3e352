//! The outbox: an event is a row in the transaction of its effect.
//!
//! Redis may lose everything: the sweep checks the copy of each due row.
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
//! A fresh row is leased to the relay of its process for `resend-after`; then the sweep finds it.
//!
//! ```text
//!   commit ─> relay ─ XADD ─> Redis          a row is due: copy unread or pending ──────> check again later
//!                └─ entry id, unless confirmed ─> row    copy acknowledged, reply waits ─> check again later
//!                                                        otherwise ───────────────────> publish (again)
//! ```
//!
//! Rows wait while their stream has more unread entries than `stream-backlog`.

mod copies;
mod event;
mod loss;
mod options;
mod partitions;
mod publishing;
mod relay;
mod store;
mod sweep;

pub use event::{DATA_LIMIT, OutboxEvent, Retention, TooLarge};
pub(crate) use loss::{lose_streams, publishes};
pub use options::RelayOptions;
pub use partitions::{PartitionsError, agree_on_partitions};
pub use relay::RelayHandle;
pub use store::{OutboxDepth, OutboxRows};
