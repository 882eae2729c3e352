use std::io;

use servers::ServerError;

use super::requests::RequestError;
use ctl::api::{ApiError, innermost};
use ctl::instance::InstanceError;
use ctl::stack::StackError;
use ctl::wait::WaitError;
use servers::affinity::AffinityError;

/// Why a run, or a fault of it, went otherwise than planned.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The fault was injected, and there is no sign that anything happened.
    #[error("the fault did not land: {0}")]
    NotLanded(String),
    /// A condition did not come true in time.
    #[error(transparent)]
    Waited(#[from] WaitError),
    /// This machine cannot do it.
    #[error("{0}")]
    Impossible(String),
    /// The load cannot be kept apart from the stack.
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    /// An instance or a server of the stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A private server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A service refused what the run needs.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An instance refused a request of the run, or gave no answer.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// PostgreSQL, asked directly.
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// Redis, asked directly.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A client that misbehaves on purpose.
    #[error(transparent)]
    Misbehaviour(#[from] RequestError),
    /// The load.
    #[error("the load: {0}")]
    Load(String),
    /// The checker.
    #[error("the checker: {0}")]
    Verify(String),
    /// A file or a process.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ChaosError {
    /// For `map_err`: names what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
