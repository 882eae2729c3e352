//! The streams in Redis as `verify` reads them: groups, the entries they hold, dead letters.
//!
//! Groups, their pending entries and the dead letters are read in one MULTI. Otherwise an entry could be
//! acknowledged between two reads and count as in flight. Entries never change, and are read page by page.

mod backlog;
mod keys;
mod read;
mod state;

pub(super) use backlog::backlog;
pub(super) use keys::Keys;
pub(super) use read::{Recent, connect, read, read_all};
pub(super) use state::{DeadLetter, Entry, EntryId, Partition, StreamsState};
