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
pub mod one_key;
pub mod poison;
pub mod table_lock;
pub mod too_large;

use std::{io, time::Duration};

use redis::RedisError;
use uuid::Uuid;

use ctl::api::ApiError;

pub use caller::{Caller, Customer};
pub use client_gone::{ClientGone, Phase, client_gone};
pub use one_key::{OneKey, one_key_fifty_times};
pub use poison::{Poison, Redrive, dead_letter, redrive_once, send_poison};
pub use table_lock::hold_all_connections;
pub use too_large::{Refusal, too_large};

/// Why an attempt could not be made, or led nowhere.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Nothing was sent: it could not be written down first.
    #[error("cannot write the client log: {0}")]
    Log(#[source] io::Error),
    /// No HTTP client, or a URL that is none.
    #[error("cannot make a request: {0}")]
    Client(String),
    /// Nobody said what became of it.
    #[error("the outcome of key {key} is not known after {within:?}; the last answer: {last}")]
    NeverKnown { key: String, within: Duration, last: String },
    /// An order that should have been accepted was not, or the answer has no order in it.
    #[error("key {key} got no order but: {answer}")]
    NoOrder { key: String, answer: String },
    /// The address of Redis is none.
    #[error("{0}")]
    RedisUrl(String),
    /// Redis did not take it.
    #[error("cannot append event {event}: {source}")]
    NotAppended { event: Uuid, source: RedisError },
    /// The operations API said no.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A dead letter that was expected is not there.
    #[error("no dead letter of event {event} in {stream} within {within:?}")]
    NoDeadLetter { stream: &'static str, event: Uuid, within: Duration },
    /// PostgreSQL said no.
    #[error("cannot lock table {table}: {source}")]
    Lock { table: String, source: tokio_postgres::Error },
}
