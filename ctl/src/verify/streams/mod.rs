//! One MULTI reads groups, pending entries and dead letters: an entry acknowledged between two reads would
//! count as in flight. Entries never change, and are read by the page.

mod backlog;
mod keys;
mod read;
mod state;

pub(super) use backlog::backlog;
pub(super) use keys::Keys;
pub(super) use read::{Recent, connect, read, read_all};
pub(super) use state::{DeadLetter, Entry, EntryId, Partition, StreamsState};
