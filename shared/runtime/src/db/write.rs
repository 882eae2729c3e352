//! The contract between a group commit and its writer.

use std::{future::Future, time::Duration};

use tokio::sync::oneshot;

use super::{Connection, DbError};

/// One kind of write, many at a time.
pub trait Write: Unpin + 'static {
    type Item: Send + Unpin + 'static;
    type Output: Send + Unpin + 'static;

    /// Label of the metrics.
    const NAME: &'static str;

    /// Later items were decided on the assumption that earlier ones commit: if a batch fails, what is queued
    /// fails too. Otherwise a batch that is rolled back is cut until the item that causes it stands alone.
    const DEPENDENT: bool = false;

    /// For how many commit-intervals the writer waits for more at most, when it has just committed many.
    /// None: a request waits for the outcome.
    const MAX_WAIT_INTERVALS: u32 = 0;

    /// Writes all items in one transaction; one outcome an item, in order. Must be idempotent by a key of the
    /// items.
    fn commit(
        &self,
        connection: &Connection,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Output>, DbError>>;

    /// Runs after the commit, before the callers know: the place to feed the relay.
    fn committed(&self, _items: &[Self::Item], _outcomes: &[Self::Output]) {}
}

/// Why an item has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The database could not be reached in time, or did not take it in time. The item may have been
    /// committed: ask again by its key.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refused it; it was not committed.
    #[error("the database refused it: {0}")]
    Refused(DbError),
}

impl From<DbError> for CommitError {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.message) } else { Self::Refused(error) }
    }
}

/// Where the outcome of an item goes. Dropped without one when the writer is replaced: the item may have been
/// committed.
pub type OutputSender<O> = oneshot::Sender<Result<O, CommitError>>;

/// The limits of a group commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub batch: usize,
    pub deadline: Duration,
    pub interval: Duration,
}
