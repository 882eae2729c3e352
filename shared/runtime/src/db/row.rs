use std::{fmt, sync::Arc};

use tokio_postgres::{row::RowIndex, types::FromSql};

use super::{DbError, health::Health};

/// A row of a result. A column of an unexpected type is an error that is classified like any other.
pub struct Row {
    row: tokio_postgres::Row,
    health: Arc<Health>,
}

impl Row {
    pub(super) fn new(row: tokio_postgres::Row, health: &Arc<Health>) -> Self {
        Self { row, health: Arc::clone(health) }
    }

    /// The value of a column, by its number or name.
    ///
    /// # Errors
    /// [`Fault::Unfit`](super::Fault::Unfit) for a column of another type;
    /// [`Fault::Refused`](super::Fault::Refused) for a value outside of `T`.
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: impl RowIndex + fmt::Display) -> Result<T, DbError> {
        let value = self.row.try_get(column).map_err(DbError::from);
        value.inspect_err(|error| self.health.record_unfit(error, None))
    }
}
