use std::{
    cell::Cell,
    future::Future,
    time::{Duration, Instant},
};

use runtime::db::DbError;

/// Repeated requests come in groups.
const CHECKED_FOR: Duration = Duration::from_secs(1);

/// Inserts without `ON CONFLICT`, which costs a twentieth of PostgreSQL's work for an order. A conflict
/// repeats the batch with the check.
#[derive(Debug, Default)]
pub(super) struct OptimisticInsert {
    conflicted_at: Cell<Option<Instant>>,
}

impl OptimisticInsert {
    /// `checked` runs when one of `constraints` refuses `optimistic`.
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
