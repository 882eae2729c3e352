//! Classifies the errors of PostgreSQL.
//!
//! | fault | session | statement | remedy |
//! | --- | --- | --- | --- |
//! | `Unreachable` | not opened | not executed | the server returns |
//! | `Lost` | discarded, with its generation | may have been executed | a fresh connection |
//! | `Contention` | stays | rolled back | a retry |
//! | `Unfit` | discarded | rolled back | an operator: schema, rights, space |
//! | `Constraint`, `Refused` | stays | rolled back | permanent for this item |

use std::{error::Error, fmt, io, time::Duration};

use tokio_postgres::{
    error::{DbError as ServerError, SqlState},
    types::WrongType,
};

/// See the table above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Unreachable,
    Lost,
    /// Deadlock, serialisation failure or timeout.
    Contention,
    /// The item stays out of the dead letters.
    Unfit,
    /// The name of the constraint.
    Constraint(String),
    Refused,
}

/// A classified database error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbError {
    pub fault: Fault,
    pub message: String,
}

impl DbError {
    pub(super) fn unreachable(error: &dyn Error) -> Self {
        Self { fault: Fault::Unreachable, message: chain(error) }
    }

    pub(super) fn timed_out(limit: Duration) -> Self {
        Self { fault: Fault::Lost, message: format!("no answer within {limit:?}") }
    }

    /// Whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        !self.is_permanent()
    }

    /// Whether every retry with these values fails.
    pub fn is_permanent(&self) -> bool {
        matches!(self.fault, Fault::Constraint(_) | Fault::Refused)
    }

    /// Whether `constraint` refused the statement.
    pub fn violates(&self, constraint: &str) -> bool {
        matches!(&self.fault, Fault::Constraint(name) if name == constraint)
    }
}

/// The reason why a write or a read has no result. The errors of the services contain it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The item may have been committed: look it up by its key.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Rolled back, and refused again by a retry.
    #[error("the database refused it: {0}")]
    Refused(DbError),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.message) } else { Self::Refused(error) }
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for DbError {}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { fault: classify(&error), message: chain(&error) }
    }
}

pub(super) fn classify(error: &tokio_postgres::Error) -> Fault {
    error.as_db_error().map_or_else(|| classify_client(error), classify_server)
}

/// Errors other than types and values concern the connection.
fn classify_client(error: &tokio_postgres::Error) -> Fault {
    match error.source() {
        Some(cause) if cause.is::<WrongType>() => Fault::Unfit,
        Some(cause) if !cause.is::<io::Error>() => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// An unknown SQLSTATE waits for an operator: a dead letter would be worse.
fn classify_server(server: &ServerError) -> Fault {
    let code = server.code();
    match code.code().get(..2).unwrap_or_default() {
        // Serialisation failure, deadlock, lock not available.
        "40" if *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Fault::Contention,
        "55" => Fault::Contention,
        "57" if *code == SqlState::QUERY_CANCELED => Fault::Contention,
        // Connection, transaction state, unknown statement, completion unknown, shutdown, system error.
        "08" | "25" | "26" | "40" | "57" | "58" => Fault::Lost,
        "0A" if is_stale_plan(server) => Fault::Lost,
        "23" => Fault::Constraint(server.constraint().unwrap_or_default().to_owned()),
        // Cardinality, data, WITH CHECK OPTION, row or index entry size, RAISE.
        "21" | "22" | "44" | "54" | "P0" => Fault::Refused,
        _ => Fault::Unfit,
    }
}

/// "cached plan must not change result type": found by routine, because the text is translated.
fn is_stale_plan(server: &ServerError) -> bool {
    server.routine() == Some("RevalidateCachedQuery")
}

/// tokio-postgres says only "db error" at the top.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
