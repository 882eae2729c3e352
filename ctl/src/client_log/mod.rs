//! The log of a client's requests and responses: evidence beside the databases. One JSON object a line. A
//! request is on disk before it is sent, hence every order in the databases has its line.
//!
//! `shopctl load` and `chaos` write the log; `shopctl verify --client-log` judges I3, I6, I8, I9 and I11 by
//! it.

mod reader;
mod record;
mod writer;

pub use reader::{ReadError, read};
pub use record::{Completion, Record};
pub use writer::ClientLog;
