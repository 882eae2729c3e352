//! Rows whose keys are new in all but a few batches.

use std::{
    cell::Cell,
    future::Future,
    time::{Duration, Instant},
};

use runtime::db::DbError;

/// For so long after a batch that was refused: whoever repeats requests repeats many.
const CAREFUL: Duration = Duration::from_secs(1);

/// The presumption that every key of a batch is new. `ON CONFLICT DO NOTHING` looks into the index before it
/// inserts, and marks the row after: a twentieth of all that PostgreSQL does for an order. So a batch is
/// inserted plainly; the constraint refuses it whole if the presumption was wrong, and then it is inserted
/// carefully.
#[derive(Debug, Default)]
pub(super) struct Presumption {
    /// When it was last wrong.
    refuted: Cell<Option<Instant>>,
}

impl Presumption {
    /// Runs `plainly`, or `carefully` if one of `constraints` is in the way.
    pub(super) async fn insert<T>(
        &self,
        constraints: &[&str],
        plainly: impl Future<Output = Result<T, DbError>>,
        carefully: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        if self.refuted.get().is_none_or(|at| at.elapsed() > CAREFUL) {
            match plainly.await {
                Err(error) if constraints.iter().any(|name| error.violates(name)) => {
                    self.refuted.set(Some(Instant::now()))
                }
                result => return result,
            }
        }
        carefully.await
    }
}
