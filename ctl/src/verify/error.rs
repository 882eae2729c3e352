use crate::client_log::ReadError;

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// An address is not one.
    #[error("the address of {what} cannot be used: {reason}")]
    Address {
        /// `the database of payment`
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server does not answer.
    #[error("{what} at {address} does not answer ({reason})")]
    Unreachable {
        /// `the database of payment`
        what: String,
        /// Host and port, without credentials.
        address: String,
        /// What the connection said.
        reason: String,
    },
    /// A database refused a query, or went away.
    #[error("{what} did not answer a query; is its schema that of this version?")]
    Query {
        /// `the database of payment`
        what: String,
        /// What it said.
        source: tokio_postgres::Error,
    },
    /// Redis refused a command, or went away.
    #[error("Redis did not answer a command")]
    Redis(#[from] redis::RedisError),
    /// The client log cannot be read.
    #[error(transparent)]
    ClientLog(#[from] ReadError),
}
