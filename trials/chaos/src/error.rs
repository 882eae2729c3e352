use std::io;

use servers::ServerError;

use super::requests::RequestError;
use ctl::api::{ApiError, innermost};
use ctl::instance::InstanceError;
use ctl::stack::StackError;
use ctl::wait::WaitError;
use servers::affinity::AffinityError;

#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The fault left no evidence.
    #[error("the fault did not land: {0}")]
    NotLanded(String),
    #[error(transparent)]
    Waited(#[from] WaitError),
    #[error("{0}")]
    Impossible(String),
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Instance(#[from] InstanceError),
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error(transparent)]
    Misbehaviour(#[from] RequestError),
    #[error("the load: {0}")]
    Load(String),
    #[error("the checker: {0}")]
    Verify(String),
    #[error("cannot {what}")]
    Io {
        /// The operation.
        what: String,
        source: io::Error,
    },
}

impl ChaosError {
    /// For `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
