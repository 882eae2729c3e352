use std::{io, time::Duration};

use redis::RedisError;
use uuid::Uuid;

use ctl::api::ApiError;

/// The failure of a misbehaving client.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The client log cannot be written, so the request was not sent.
    #[error("cannot write the client log: {0}")]
    Log(#[source] io::Error),
    /// The HTTP client cannot be created, or a URL is malformed.
    #[error("cannot make a request: {0}")]
    Client(String),
    /// The outcome is still unknown at the deadline.
    #[error("the outcome of key {key} is unknown after {within:?}; the last response: {last}")]
    NeverKnown { key: String, within: Duration, last: String },
    /// The response lacks an order that should have been accepted.
    #[error("key {key} got no order but: {answer}")]
    NoOrder { key: String, answer: String },
    /// The URL of Redis is malformed.
    #[error("{0}")]
    RedisUrl(String),
    /// Redis refused the event.
    #[error("cannot append event {event}: {source}")]
    NotAppended { event: Uuid, source: RedisError },
    /// The operations API refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An expected dead letter is missing.
    #[error("no dead letter of event {event} in {stream} within {within:?}")]
    NoDeadLetter { stream: &'static str, event: Uuid, within: Duration },
    /// PostgreSQL refused the lock.
    #[error("cannot lock table {table}: {source}")]
    Lock { table: String, source: tokio_postgres::Error },
}
