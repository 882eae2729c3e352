//! Rows whose keys are new in all but a few batches.

use std::{
    cell::Cell,
    future::Future,
    time::{Duration, Instant},
};

use runtime::db::DbError;

/// For so long after a batch that was refused: whoever repeats requests repeats many.
const CHECKED_FOR: Duration = Duration::from_secs(1);

/// The presumption that every key of a batch is new. `ON CONFLICT DO NOTHING` looks into the index before it
/// inserts, and marks the row after: a twentieth of all that PostgreSQL does for an order. So a batch is
/// inserted plainly; the constraint refuses it whole if the presumption was wrong, and then it is inserted
/// carefully.
#[derive(Debug, Default)]
pub(super) struct OptimisticInsert {
    /// When it was last wrong.
    conflicted_at: Cell<Option<Instant>>,
}

impl OptimisticInsert {
    /// Runs `plainly`, or `carefully` if one of `constraints` is in the way.
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
