use crate::client_log::ReadError;

/// The reason why no invariant could be judged.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// An address is invalid.
    #[error("the address of {what} cannot be used: {reason}")]
    Address {
        /// The server, such as `the database of payment`.
        what: String,
        /// The error of the parser.
        reason: String,
    },
    /// A server does not answer.
    #[error("{what} at {address} does not answer ({reason})")]
    Unreachable {
        /// The server, such as `the database of payment`.
        what: String,
        /// Host and port, without credentials.
        address: String,
        /// The error of the connection.
        reason: String,
    },
    /// A database refused a query, or the connection broke.
    #[error("{what} did not answer a query; its schema may be of another version")]
    Query {
        /// The server, such as `the database of payment`.
        what: String,
        /// The error of the database.
        source: tokio_postgres::Error,
    },
    /// Redis refused a command, or the connection broke.
    #[error("Redis did not answer a command")]
    Redis(#[from] redis::RedisError),
    /// The client log cannot be read.
    #[error(transparent)]
    ClientLog(#[from] ReadError),
}
