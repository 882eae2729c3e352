//! One batch of a [`GroupCommit`](super::GroupCommit): committed as a whole, or split until what is in the way
//! stands alone.

use std::{
    collections::VecDeque,
    ops::Range,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{CommitError, Database, DbError, Fault, Write, write::Limits};
use crate::failpoint;

/// A batch that was rolled back for a reason that may pass (a lock, a deadlock) is tried so often before it
/// is split. With `WRITER_LOCK_TIMEOUT` that takes half a second, which leaves time within `commit-deadline` to find
/// what is in the way.
const TRIES_BEFORE_SPLIT: u32 = 2;
/// A batch is split into so many parts: one item among 512 stands alone after three cuts, each of which may
/// cost a `WRITER_LOCK_TIMEOUT`.
const PARTS_PER_SPLIT: usize = 8;
/// Pause before a batch is tried again: long enough for a restarting server, short against `commit-deadline`.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// One flush, apart from the actor.
pub(super) struct Batch<W> {
    pub writer: Rc<W>,
    pub database: Database,
    pub limits: Limits,
}

impl<W: Write> Batch<W> {
    pub async fn run(&self, items: Vec<W::Item>) -> Vec<Result<W::Output, CommitError>> {
        metrics::histogram!("orderflow_group_commit_batch_size", "writer" => W::NAME)
            .record(items.len() as f64);
        let started = Instant::now();
        let outcomes = self.commit_or_split(&items, started).await;
        metrics::histogram!("orderflow_group_commit_duration_seconds", "writer" => W::NAME)
            .record(started.elapsed());
        outcomes
    }

    /// Commits `items`. A batch that cannot be committed as a whole is split into parts, and those again, until
    /// what is in the way stands alone; the parts that can be committed come first. What is left at the
    /// deadline was not committed.
    async fn commit_or_split(
        &self,
        items: &[W::Item],
        started: Instant,
    ) -> Vec<Result<W::Output, CommitError>> {
        let mut outcomes: Vec<_> =
            items.iter().map(|_| Err(CommitError::Unavailable("out of time".to_owned()))).collect();
        let mut parts = VecDeque::new();
        parts.push_back(0..items.len());
        while let Some(part) = parts.pop_front() {
            let tries = if part.len() == items.len() { TRIES_BEFORE_SPLIT } else { 1 };
            let result = self.persist(&items[part.clone()], tries, started).await;
            let pause = matches!(&result, Err(error) if error.is_transient());
            match result {
                Ok(done) => part.zip(done).for_each(|(n, outcome)| outcomes[n] = Ok(outcome)),
                Err(error) if part.len() > 1 && !W::DEPENDENT && may_come_from_one_item(&error) => {
                    parts.extend(split(part))
                }
                Err(error) => part.for_each(|n| outcomes[n] = Err(commit_error::<W>(error.clone()))),
            }
            if parts.is_empty() || started.elapsed() >= self.limits.deadline {
                break;
            }
            if pause {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
        outcomes
    }

    /// Commits `items`: until the deadline while the outcome is unknown; `tries` times when they were rolled
    /// back and that may pass.
    async fn persist(
        &self,
        items: &[W::Item],
        tries: u32,
        started: Instant,
    ) -> Result<Vec<W::Output>, DbError> {
        let (mut tried, mut may_be_committed) = (0, false);
        loop {
            let error = match self.attempt(items).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) => error,
            };
            tried += 1;
            may_be_committed |= error.fault == Fault::Lost;
            let again = match error.fault {
                Fault::Lost => true,
                Fault::Unreachable => may_be_committed,
                Fault::Contention => tried < tries,
                Fault::Unfit => tried < tries || W::DEPENDENT,
                Fault::Constraint(_) | Fault::Refused => false,
            };
            if !again || started.elapsed() >= self.limits.deadline {
                return Err(error);
            }
            tracing::warn!(writer = W::NAME, items = items.len(), %error, "commit failed; trying the batch again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn attempt(&self, items: &[W::Item]) -> Result<Vec<W::Output>, DbError> {
        let connection = self.database.connection().await?;
        failpoint::pass("commit.before", W::NAME);
        let commit = self.writer.commit(&connection, items);
        let Ok(outcomes) = tokio::time::timeout(self.limits.deadline, commit).await else {
            // The server may still be at it, or gone without a word.
            connection.discard_generation();
            return Err(DbError::timed_out(self.limits.deadline));
        };
        let outcomes = outcomes?;
        debug_assert_eq!(outcomes.len(), items.len(), "one outcome an item");
        failpoint::pass("commit.after", W::NAME);
        self.writer.committed(items, &outcomes);
        Ok(outcomes)
    }
}

/// Contention is reported to the caller that decided a batch as a whole: it has to find the item that cannot
/// be committed.
fn commit_error<W: Write>(error: DbError) -> CommitError {
    if W::DEPENDENT && error.fault == Fault::Contention { CommitError::Refused(error) } else { error.into() }
}

/// Whether a batch may have been rolled back for the sake of one item: because of its values, of a row that
/// somebody holds, or of what only its row runs into.
fn may_come_from_one_item(error: &DbError) -> bool {
    !matches!(error.fault, Fault::Unreachable | Fault::Lost)
}

fn split(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (size, end) = (part.len().div_ceil(PARTS_PER_SPLIT), part.end);
    part.step_by(size).map(move |start| start..end.min(start + size))
}
