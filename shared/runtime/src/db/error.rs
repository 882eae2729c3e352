//! Classifies the errors of PostgreSQL: what each means for the caller.
//!
//! | fault | connection | statement | remedy |
//! | --- | --- | --- | --- |
//! | `Unreachable` | could not be opened | was not executed | the server returns |
//! | `Lost` | is discarded, with its generation | may have been executed | a fresh connection |
//! | `Contention` | stays in use | was rolled back | a retry |
//! | `Unfit` | is discarded | was rolled back | an operator: schema, rights, space |
//! | `Constraint`, `Refused` | stays in use | was rolled back | permanent for this item |

use std::{error::Error, fmt, io, time::Duration};

use tokio_postgres::{
    error::{DbError as ServerError, SqlState},
    types::WrongType,
};

/// The class of an error: it decides about the connection and about a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The pool has no connection to offer; the statement was not executed.
    Unreachable,
    /// The connection broke or timed out; the statement may have been committed. A retry needs a fresh
    /// connection.
    Lost,
    /// Deadlock, serialisation failure or timeout of a statement: rolled back, and worth a retry.
    Contention,
    /// Rolled back until an operator mends the schema, a right or a resource. The item waits, and stays out
    /// of the dead letters.
    Unfit,
    /// The named constraint refused the item.
    Constraint(String),
    /// The database refused the values of this item; a retry fails again.
    Refused,
}

/// A database error with its classification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbError {
    /// The class of the error.
    pub fault: Fault,
    /// The text of the error, with its causes.
    pub message: String,
}

impl DbError {
    pub(super) fn unreachable(error: &dyn Error) -> Self {
        Self { fault: Fault::Unreachable, message: chain(error) }
    }

    pub(super) fn timed_out(limit: Duration) -> Self {
        Self { fault: Fault::Lost, message: format!("no answer within {limit:?}") }
    }

    /// Whether a retry may succeed: PostgreSQL is away, busy, or waits for an operator.
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

/// Classifies an error of the client. A column of an unexpected type is [`Fault::Unfit`], a value that cannot
/// be sent is [`Fault::Refused`], and all else concerns the connection.
fn classify_client(error: &tokio_postgres::Error) -> Fault {
    match error.source() {
        Some(cause) if cause.is::<WrongType>() => Fault::Unfit,
        Some(cause) if !cause.is::<io::Error>() => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// Classifies by SQLSTATE. An unknown code waits for an operator, because a dead letter would be the worse
/// mistake.
fn classify_server(server: &ServerError) -> Fault {
    let code = server.code();
    match code.code().get(..2).unwrap_or_default() {
        // Rolled back: serialisation failure, deadlock, or a lock that was not available.
        "40" if *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Fault::Contention,
        "55" => Fault::Contention,
        "57" if *code == SqlState::QUERY_CANCELED => Fault::Contention,
        // Connection, read-only or broken transaction, unknown statement, completion unknown, shutdown,
        // system error.
        "08" | "25" | "26" | "40" | "57" | "58" => Fault::Lost,
        "0A" if is_stale_plan(server) => Fault::Lost,
        "23" => Fault::Constraint(server.constraint().unwrap_or_default().to_owned()),
        // Values: cardinality, data, WITH CHECK OPTION, size of a row or an index entry, RAISE of a function.
        "21" | "22" | "44" | "54" | "P0" => Fault::Refused,
        _ => Fault::Unfit,
    }
}

/// "cached plan must not change result type": a column has a new type. Recognised by the server's function,
/// because the text is translated.
fn is_stale_plan(server: &ServerError) -> bool {
    server.routine() == Some("RevalidateCachedQuery")
}

/// The error and its sources; tokio-postgres says only "db error" at the top.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
