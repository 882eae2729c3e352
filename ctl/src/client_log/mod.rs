//! What a client did and saw: the other half of the evidence. One JSON object a line; a request is on disk
//! before it is sent, so that nothing the services hold can have come from nowhere.
//!
//! `shopctl load` and `chaos` write it, `shopctl verify --client-log` judges by it (I3, I6, I8, I9, I11).

mod reader;
mod record;
mod writer;

pub use reader::{ReadError, read};
pub use record::{Completion, Record};
pub use writer::ClientLog;
