use std::{io, time::Duration};

use redis::RedisError;
use uuid::Uuid;

use ctl::api::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request was not sent.
    #[error("cannot write the client log: {0}")]
    Log(#[source] io::Error),
    /// Also for a malformed URL.
    #[error("cannot make a request: {0}")]
    Client(String),
    #[error("the outcome of key {key} is unknown after {within:?}; the last response: {last}")]
    NeverKnown { key: String, within: Duration, last: String },
    /// A response without the demanded order.
    #[error("key {key} got no order but: {answer}")]
    NoOrder { key: String, answer: String },
    #[error("{0}")]
    RedisUrl(String),
    #[error("cannot append event {event}: {source}")]
    NotAppended { event: Uuid, source: RedisError },
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("no dead letter of event {event} in {stream} within {within:?}")]
    NoDeadLetter { stream: &'static str, event: Uuid, within: Duration },
    #[error("cannot lock table {table}: {source}")]
    Lock { table: String, source: tokio_postgres::Error },
}
