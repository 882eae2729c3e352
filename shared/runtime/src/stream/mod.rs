//! Redis Streams: the only XADD, XREADGROUP, XAUTOCLAIM and XACK in the repository.
//!
//! Delivery is at-least-once: XACK follows the transaction of the effect.
//!
//! ```text
//!             ┌───────────── new entries (XREADGROUP >) ────────────┐
//!   stream ───┤                                                     ├──> batch ──> EventHandler ──> Outcome
//!             └─ own pending (XPENDING, XCLAIM) <─ XAUTOCLAIM ──────┘                 Done, Duplicate: XACK
//!                 delivered too often: one at a time, then dead letter                Transient: waits, not counted
//!                                                                                     Failed: waits, counted
//!                                                                                     Poison: dead letter
//! ```

mod answer;
mod batches_in_flight;
mod broker;
mod consumer;
mod consumer_group;
mod consumer_set;
mod consumer_spec;
mod consumer_state;
mod dead_letters;
mod entry;
mod groups;
mod handler;
mod handling;
mod overview;
mod partition;
mod pending;
mod probe;
mod processing;
mod publication;
mod reader;
mod retries;
mod session;
mod settings;
mod trim;

pub use answer::BrokerError;
pub use broker::Broker;
pub use consumer::Consumer;
pub use consumer_set::ConsumerSet;
pub use consumer_spec::ConsumerSpec;
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetters, Redriven};
pub(crate) use groups::{Position, Whereabouts};
pub use handler::{EventHandler, Outcome, Received};
pub use overview::{ConsumerOverview, StreamOverview, overview};
pub use partition::{partition_of, partitions};
pub use probe::ProbeError;
pub use settings::StreamSettings;
