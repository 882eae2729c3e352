//! What a database error means for the caller, apart from what it says.

use std::{error::Error, fmt};

use tokio_postgres::{error::SqlState, types::WrongType};

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection could be had: nothing was executed.
    Unreachable,
    /// The connection broke, or the server is going down: the statement may or may not have been committed.
    Lost,
    /// Deadlock, serialisation failure or a timeout: rolled back, worth another try.
    Contention,
    /// A constraint refused it; its name.
    Constraint(String),
    /// The database refused it for another reason; trying again changes nothing.
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

    /// Whether the same statement may succeed later without anybody changing anything but the weather.
    pub fn is_transient(&self) -> bool {
        matches!(self.fault, Fault::Unreachable | Fault::Lost | Fault::Contention)
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

fn classify(error: &tokio_postgres::Error) -> Fault {
    let Some(server) = error.as_db_error() else {
        // A value of the wrong type is a mistake of ours and never reached the server; anything else is the connection.
        let is_ours = error.source().is_some_and(|cause| cause.is::<WrongType>());
        return if is_ours { Fault::Refused } else { Fault::Lost };
    };
    match server.code() {
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::LOCK_NOT_AVAILABLE
        | &SqlState::QUERY_CANCELED => Fault::Contention,
        code => match code.code().get(..2) {
            Some("23") => Fault::Constraint(server.constraint().unwrap_or_default().to_owned()),
            // 08 connection, 53 resources (disk full, too many clients), 57 shutdown, 58 system error, 25 read-only standby.
            Some("08" | "53" | "57" | "58" | "25") => Fault::Lost,
            _ => Fault::Refused,
        },
    }
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
