use std::{future::Future, time::Duration};

use tokio::sync::oneshot;

use super::{Connection, DbError, Failure};

/// One kind of write for [`GroupCommit`](super::GroupCommit).
pub trait Write: Unpin + 'static {
    type Item: Send + Unpin + 'static;
    type Output: Send + Unpin + 'static;

    /// The label `writer` of the metrics.
    const NAME: &'static str;

    /// Whether later items assume that earlier ones commit: a failed batch then fails the queued items,
    /// unsplit.
    const DEPENDENT: bool = false;

    /// Longest wait after a large batch, in `commit-interval`s; 0 if requests wait.
    const MAX_WAIT_INTERVALS: u32 = 0;

    /// Whether a customer waits for this item: its batch is committed at once.
    fn is_awaited(_item: &Self::Item) -> bool {
        false
    }

    /// The [carried](events::TraceContext::carried) context of the work that the item is part of; its commit becomes a
    /// span there.
    fn trace(_item: &Self::Item) -> Option<&str> {
        None
    }

    /// Returns one output per item, in order. Must be idempotent by a key of the items: a retry repeats it.
    fn commit(
        &self,
        connection: &Connection,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Output>, DbError>>;

    /// Runs before the callers get their outputs.
    fn committed(&self, _items: &[Self::Item], _outcomes: &[Self::Output]) {}
}

/// Dropped unused when a writer is replaced; the item may have been committed.
pub type OutputSender<O> = oneshot::Sender<Result<O, Failure>>;

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub batch: usize,
    pub deadline: Duration,
    pub interval: Duration,
}
