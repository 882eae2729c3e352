//! The one place that judges PostgreSQL's answers: what an error means for the caller, apart from what it
//! says.
//!
//! | fault | the connection | the statement | who mends it |
//! | --- | --- | --- | --- |
//! | `Unreachable` | there was none | was not executed | the server comes back |
//! | `Lost` | is thrown away, with all that are as old | may have been executed | a fresh connection |
//! | `Contention` | is good | was rolled back | another try |
//! | `Unfit` | is thrown away | was rolled back | an operator: schema, rights, space |
//! | `Constraint`, `Refused` | is good | was rolled back | nobody: it is about this item |

use std::{error::Error, fmt, io, time::Duration};

use tokio_postgres::{
    error::{DbError as ServerError, SqlState},
    types::WrongType,
};

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection could be had: nothing was executed.
    Unreachable,
    /// The connection broke or is of no use any more: the statement may or may not have been committed. A
    /// fresh one may do.
    Lost,
    /// Deadlock, serialisation failure or a timeout: rolled back, worth another try.
    Contention,
    /// Rolled back, and it succeeds as soon as an operator has mended the schema, a right, or a resource.
    /// Never a dead letter.
    Unfit,
    /// A constraint refused it; its name.
    Constraint(String),
    /// The database refused this item for another reason; trying again changes nothing.
    Refused,
}

/// A database error with its classification.
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

    /// Whether the same statement may succeed later: PostgreSQL is away, busy, or waits for an operator.
    pub fn is_transient(&self) -> bool {
        !self.is_permanent()
    }

    /// Whether the statement never succeeds with these values.
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

/// An error of the client. A column of another type than this program was written for is a schema that does
/// not fit; a value that cannot be sent is of the item; all else is the connection.
fn classify_client(error: &tokio_postgres::Error) -> Fault {
    match error.source() {
        Some(cause) if cause.is::<WrongType>() => Fault::Unfit,
        Some(cause) if !cause.is::<io::Error>() => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// By SQLSTATE. An unknown one is for an operator: a dead letter would be the worse mistake.
fn classify_server(server: &ServerError) -> Fault {
    let code = server.code();
    match code.code().get(..2).unwrap_or_default() {
        // Rolled back: a serialisation failure or deadlock, a lock that was not to be had.
        "40" if *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Fault::Contention,
        "55" => Fault::Contention,
        "57" if *code == SqlState::QUERY_CANCELED => Fault::Contention,
        // Connection, read-only or broken transaction, forgotten statement, completion unknown, shutdown,
        // system error.
        "08" | "25" | "26" | "40" | "57" | "58" => Fault::Lost,
        "0A" if is_stale_plan(server) => Fault::Lost,
        "23" => Fault::Constraint(server.constraint().unwrap_or_default().to_owned()),
        // Values: cardinality, data, WITH CHECK OPTION, size of a row or an index entry, RAISE of a function.
        "21" | "22" | "44" | "54" | "P0" => Fault::Refused,
        _ => Fault::Unfit,
    }
}

/// "cached plan must not change result type": a column of it has another type now. By the server's function,
/// for the text is translated.
fn is_stale_plan(server: &ServerError) -> bool {
    server.routine() == Some("RevalidateCachedQuery")
}

/// The error and its sources: tokio-postgres says only "db error" at the top.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
