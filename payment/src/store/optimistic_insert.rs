//! Inserts of rows whose keys are new in almost every batch.

use std::{
    cell::Cell,
    future::Future,
    time::{Duration, Instant},
};

use runtime::db::DbError;

/// How long inserts stay checked after a conflict: repeated requests come in groups.
const CHECKED_FOR: Duration = Duration::from_secs(1);

/// Inserts a batch without `ON CONFLICT`, and repeats it with the check after a conflict. `ON CONFLICT DO
/// NOTHING` reads the index before the insert and marks the row after it: a twentieth of PostgreSQL's work
/// for an order.
#[derive(Debug, Default)]
pub(super) struct OptimisticInsert {
    /// The time of the last conflict.
    conflicted_at: Cell<Option<Instant>>,
}

impl OptimisticInsert {
    /// Runs `optimistic`, or `checked` when one of `constraints` refuses the batch.
    pub(super) async fn insert<T>(
        &self,
        constraints: &[&str],
        optimistic: impl Future<Output = Result<T, DbError>>,
        checked: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        if self.conflicted_at.get().is_none_or(|at| at.elapsed() > CHECKED_FOR) {
            match optimistic.await {
                Err(error) if constraints.iter().any(|name| error.violates(name)) => {
                    self.conflicted_at.set(Some(Instant::now()))
                }
                result => return result,
            }
        }
        checked.await
    }
}
