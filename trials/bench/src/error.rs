use std::io;

use servers::ServerError;

use ctl::api::{ApiError, innermost};
use ctl::stack::StackError;
use servers::affinity::AffinityError;

/// The reason for which a measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A service or a server of the stack failed.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A private server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The load and the stack cannot be given separate cores.
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    /// A service refused what the run needs.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A direct query to PostgreSQL failed.
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// A direct command to Redis failed.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A load generator is missing.
    #[error("`{program}` is missing: install the Debian package {package}, or run scripts/bench, which does")]
    NotInstalled {
        /// The missing program.
        program: String,
        /// The package that contains it.
        package: &'static str,
    },
    /// A load generator failed, or printed an unexpected result.
    #[error("`{program}` gave no result; it printed:\n{printed}")]
    NoResult {
        /// The program.
        program: &'static str,
        /// Standard output and standard error.
        printed: String,
    },
    /// Orders are still open at the deadline, so the figures are void.
    #[error("{open} orders were still open {seconds} s after the load; the services' logs are in {logs}")]
    OrdersStillOpen {
        /// Orders that are still open.
        open: i64,
        /// The seconds waited.
        seconds: u64,
        /// The path of the services' logs.
        logs: String,
    },
    /// Orders ended as `refunded` or `declined` with stock for all.
    #[error("{others} of {all} orders were refunded or declined although there was stock for all")]
    NotConfirmed {
        /// Ended orders.
        all: i64,
        /// Refunded or declined.
        others: i64,
    },
    /// The yardstick handler refused requests, which makes it too fast.
    #[error(
        "the plain handler failed in {failed} of {all} requests: its statement does not fit the tables, or tokens are not verified"
    )]
    YardstickFailed {
        /// Refused or unanswered requests.
        failed: u64,
        /// Answered requests.
        all: u64,
    },
    /// Orders fell behind at every tried rate.
    #[error(
        "orders fall behind even at {rate:.0} a second: the stack fails, or the machine is busy; the chart is not drawn"
    )]
    NoCapacity {
        /// The last tried rate.
        rate: f64,
    },
    /// A file or a process failed.
    #[error("cannot {what}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl BenchError {
    /// Adds the name of the operation, for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
