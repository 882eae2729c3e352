//! The contract between [`GroupCommit`](super::GroupCommit) and its writers.

use std::{future::Future, time::Duration};

use tokio::sync::oneshot;

use super::{Connection, DbError};

/// One kind of write. Many items share one transaction.
pub trait Write: Unpin + 'static {
    /// One write.
    type Item: Send + Unpin + 'static;
    /// The result of one item.
    type Output: Send + Unpin + 'static;

    /// The label `writer` of the metrics, and the name in errors.
    const NAME: &'static str;

    /// Whether later items assume that earlier ones commit. If so, a failed batch fails the queued items too.
    /// Otherwise a batch that is rolled back is split until the failing item stands alone.
    const DEPENDENT: bool = false;

    /// Longest wait for more items after a large batch, in units of `commit-interval`. 0 for writers that
    /// requests wait for: they commit at once.
    const MAX_WAIT_INTERVALS: u32 = 0;

    /// Writes all items in one transaction and returns one output per item, in order. A retry repeats it, so
    /// it must be idempotent by a key of the items.
    ///
    /// # Errors
    /// [`DbError`], which decides about a retry.
    fn commit(
        &self,
        connection: &Connection,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Output>, DbError>>;

    /// Runs after the commit and before the callers get their outputs; for example to feed the relay.
    fn committed(&self, _items: &[Self::Item], _outcomes: &[Self::Output]) {}
}

/// The reason why an item has no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The database was unreachable or too slow. The item may have been committed: look it up by its key.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused the item and rolled it back.
    #[error("the database refused it: {0}")]
    Refused(DbError),
}

impl From<DbError> for CommitError {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.message) } else { Self::Refused(error) }
    }
}

/// The channel for the output of one item. A writer that is replaced drops it unused; the item may have been
/// committed.
pub type OutputSender<O> = oneshot::Sender<Result<O, CommitError>>;

/// The limits of a group commit: `commit-batch` items, `commit-deadline`, `commit-interval`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub batch: usize,
    pub deadline: Duration,
    pub interval: Duration,
}
