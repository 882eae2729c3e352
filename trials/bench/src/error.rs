use std::io;

use servers::LocalError;

use ctl::api::{ApiError, innermost};
use ctl::stack::StackError;
use servers::affinity::AffinityError;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A service or a server of the stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A private server.
    #[error(transparent)]
    Server(#[from] LocalError),
    /// The load cannot be kept apart from the stack.
    #[error(transparent)]
    Affinity(#[from] AffinityError),
    /// A service refused what the run needs.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// PostgreSQL, asked directly.
    #[error("PostgreSQL: {}", innermost(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// Redis, asked directly.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A load generator is not there.
    #[error("`{program}` is missing: install the Debian package {package}, or run scripts/bench, which does")]
    NotInstalled {
        /// What was to be run.
        program: String,
        /// What carries it.
        package: &'static str,
    },
    /// A load generator ended badly, or printed something else than expected.
    #[error("`{program}` gave no result; it printed:\n{printed}")]
    NoResult {
        /// What was run.
        program: &'static str,
        /// Both its outputs.
        printed: String,
    },
    /// Orders did not come to their end: what was measured says nothing.
    #[error("{open} orders were still open {seconds} s after the load; the services' logs are in {logs}")]
    OrdersStillOpen {
        /// Neither confirmed, refunded nor declined.
        open: i64,
        /// How long was waited.
        seconds: u64,
        /// Where to look.
        logs: String,
    },
    /// Orders came to another end than `confirmed`, although there was stock for all.
    #[error("of {all} orders {others} ended otherwise than confirmed, although there was stock for all")]
    NotConfirmed {
        /// Accepted.
        all: i64,
        /// Refunded or declined.
        others: i64,
    },
    /// A handler that refuses is quick, and no yardstick.
    #[error(
        "the plain handler failed in {failed} of {all} requests: its statement does not fit the tables, or tokens are not verified"
    )]
    YardstickFailed {
        /// Refused or without an answer.
        failed: u64,
        /// Sent.
        all: u64,
    },
    /// No rate was found at which orders keep pace.
    #[error(
        "at {rate:.0} orders a second too many were still not at their end: something is wrong, or the machine is busy; nothing is drawn"
    )]
    NoCapacity {
        /// The last one that was tried.
        rate: f64,
    },
    /// A file or a process.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl BenchError {
    /// For `map_err`: names what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
