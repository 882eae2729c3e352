//! Redis Streams: the only XADD, XREADGROUP, XAUTOCLAIM and XACK in the repository.
//!
//! Delivery is at-least-once. An entry is acknowledged after the transaction of its effect; a consumer that dies leaves it in
//! the pending entries list, where the next life of the same consumer, or another one after `claim-idle`, finds it.
//!
//! ```text
//!             ┌───────────── new entries (XREADGROUP >) ────────────┐
//!   stream ───┤                                                     ├──> batch ──> EventHandler ──> Outcome
//!             └─ own pending (XPENDING, XREADGROUP id) <─ XAUTOCLAIM┘                 Done, Duplicate: XACK
//!                 delivered too often: one at a time, then dead letter                Transient: same batch again
//!                                                                                     Failed: stays pending
//!                                                                                     Poison: dead letter
//! ```

mod broker;
mod consumer;
mod dead_letters;
mod entry;
mod handler;
mod overview;
mod partition;
mod pending;
mod processing;
mod reader;
mod reply;
mod session;
mod settle;
mod spans;
mod trim;
mod unsettled;

pub use broker::{Broker, BrokerError};
pub use consumer::{Consumer, ConsumerSpec, Consumers, start_consumers};
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetters};
pub use handler::{EventHandler, Outcome, Received};
pub use overview::{ConsumerOverview, StreamOverview, overview};
pub use partition::{partition_of, partitions};
