use std::{fmt, sync::Arc};

use tokio_postgres::{row::RowIndex, types::FromSql};

use super::{DbError, health::Health};

/// A row. A column of another type than this program was written for is an error to be judged, like every
/// answer.
pub struct Row {
    row: tokio_postgres::Row,
    health: Arc<Health>,
}

impl Row {
    pub(super) fn new(row: tokio_postgres::Row, health: &Arc<Health>) -> Self {
        Self { row, health: Arc::clone(health) }
    }

    /// The value of a column, by its number or its name.
    ///
    /// # Errors
    /// [`Fault::Unfit`](super::Fault::Unfit): the column has another type;
    /// [`Fault::Refused`](super::Fault::Refused): its value is none that `T` can be.
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: impl RowIndex + fmt::Display) -> Result<T, DbError> {
        let value = self.row.try_get(column).map_err(DbError::from);
        value.inspect_err(|error| self.health.record_unfit(error, None))
    }
}
