use std::{fmt, sync::Arc};

use tokio_postgres::{row::RowIndex, types::FromSql};

use super::{DbError, health::Health};

/// A row whose errors are classified.
pub struct Row {
    row: tokio_postgres::Row,
    health: Arc<Health>,
}

impl Row {
    pub(super) fn new(row: tokio_postgres::Row, health: &Arc<Health>) -> Self {
        Self { row, health: Arc::clone(health) }
    }

    /// A column of another type is [`Fault::Unfit`](super::Fault::Unfit), a value outside of `T`
    /// [`Fault::Refused`](super::Fault::Refused).
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: impl RowIndex + fmt::Display) -> Result<T, DbError> {
        let value = self.row.try_get(column).map_err(DbError::from);
        value.inspect_err(|error| self.health.record_unfit(error, None))
    }
}
