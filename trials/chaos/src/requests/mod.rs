//! Odd and hostile clients, against services that run.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`caller`] | one customer who writes down what is sent and what came back |
//! | [`one_key`] | the same order fifty times at once |
//! | [`client_gone`] | a client that vanishes in the middle of a request |
//! | [`too_large`] | more than is allowed |
//! | [`poison`] | events that nobody can process, and their second chance |
//! | [`table_lock`] | a table nobody can use, until every connection waits for it |
//!
//! What they guarantee: every `POST /orders` is in the client log before it is sent, and is asked again with
//! its key until its outcome is known.

pub mod caller;
pub mod client_gone;
mod error;
pub mod one_key;
pub mod poison;
pub mod table_lock;
pub mod too_large;

pub use caller::{Caller, Customer};
pub use client_gone::{ClientGone, Phase, client_gone};
pub use error::RequestError;
pub use one_key::{OneKey, one_key_fifty_times};
pub use poison::{Poison, Redrive, dead_letter, redrive_once, send_poison};
pub use table_lock::hold_all_connections;
pub use too_large::{Refusal, too_large};
