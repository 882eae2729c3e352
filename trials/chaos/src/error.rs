use std::io;

use servers::ServerError;

use super::requests::RequestError;
use ctl::api::{ApiError, innermost};
use ctl::instance::InstanceError;
use ctl::stack::StackError;
use ctl::wait::WaitError;
use servers::affinity::AffinityError;

/// The reason for which a run, or a fault of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The fault was injected and left no evidence.
    #[error("the fault did not land: {0}")]
    NotLanded(String),
    /// A condition missed its deadline.
    #[error(transparent)]
    Waited(#[from] WaitError),
    /// This machine lacks a prerequisite.
    #[error("{0}")]
    Impossible(String),
    /// The load and the stack cannot be given separate cores.
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    /// An instance or a server of the stack failed.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A private server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A service refused what the run needs.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An instance refused a request of the run, or failed to answer.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// A direct query to PostgreSQL failed.
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// A direct command to Redis failed.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A client that misbehaves on purpose failed.
    #[error(transparent)]
    Misbehaviour(#[from] RequestError),
    /// The load failed.
    #[error("the load: {0}")]
    Load(String),
    /// The checker failed.
    #[error("the checker: {0}")]
    Verify(String),
    /// A file or a process failed.
    #[error("cannot {what}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl ChaosError {
    /// Adds the name of the operation, for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
