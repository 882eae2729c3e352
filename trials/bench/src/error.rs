use std::io;

use servers::ServerError;

use ctl::api::{ApiError, innermost};
use ctl::stack::StackError;
use servers::affinity::AffinityError;

/// The failure of a measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("`{program}` is missing: install the Debian package {package}, or run scripts/bench, which does")]
    NotInstalled {
        program: String,
        /// The Debian package.
        package: &'static str,
    },
    #[error("`{program}` gave no result; it printed:\n{printed}")]
    NoResult {
        program: &'static str,
        /// Standard output and standard error.
        printed: String,
    },
    #[error("{open} orders were still open {seconds} s after the load; the services' logs are in {logs}")]
    OrdersStillOpen {
        open: i64,
        seconds: u64,
        /// The path of the services' logs.
        logs: String,
    },
    #[error("{others} of {all} orders were refunded or declined although there was stock for all")]
    NotConfirmed {
        /// Ended orders.
        all: i64,
        others: i64,
    },
    #[error(
        "orders fall behind even at {rate:.0} a second: the stack fails, or the machine is busy; the chart is not drawn"
    )]
    NoCapacity {
        /// The last tried rate.
        rate: f64,
    },
    #[error("cannot {what}")]
    Io {
        /// The operation that failed.
        what: String,
        source: io::Error,
    },
}

impl BenchError {
    /// Names the operation, for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
