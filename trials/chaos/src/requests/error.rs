use std::{io, time::Duration};

use redis::RedisError;
use uuid::Uuid;

use ctl::api::ApiError;

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
