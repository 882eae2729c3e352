//! Requests and responses of a client, one JSON object a line. Requests are on disk before they are sent.

mod reader;
mod record;
mod writer;

pub use reader::{ReadError, read};
pub use record::{Completion, Record};
pub use writer::ClientLog;
