use std::time::Duration;

use crate::client_log::ReadError;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the address of {what} cannot be used: {reason}")]
    Address {
        /// Such as `the database of payment`.
        what: String,
        reason: String,
    },
    #[error("{what} at {address} does not answer ({reason})")]
    Unreachable {
        what: String,
        /// Host and port, without credentials.
        address: String,
        reason: String,
    },
    #[error("{what} did not answer a query; its schema may be of another version")]
    Query {
        what: String,
        /// Error of the database, or of its connection.
        source: tokio_postgres::Error,
    },
    #[error("no answer within {limit:?}")]
    Late { limit: Duration },
    #[error("Redis did not answer a command")]
    Redis(#[from] redis::RedisError),
    #[error(transparent)]
    ClientLog(#[from] ReadError),
}
