//! One batch of a [`GroupCommit`](super::GroupCommit), split after a failure until the failing item stands
//! alone.

use std::{
    collections::VecDeque,
    ops::Range,
    rc::Rc,
    time::{Instant, SystemTime},
};

use super::{
    Database, DbError, Failure, Fault, Write, commit_span,
    retry::{Attempts, RETRY_PAUSE},
    write::Limits,
};
use crate::failpoint;

/// Two tries take half a second with the lock timeout of 250 ms, and leave `commit-deadline` (2 s) time for
/// the split.
const TRIES_BEFORE_SPLIT: u32 = 2;
/// Three splits isolate one item among 512; each may cost a lock timeout.
const PARTS_PER_SPLIT: usize = 8;

pub(super) struct Batch<W> {
    pub writer: Rc<W>,
    pub database: Database,
    pub limits: Limits,
}

impl<W: Write> Batch<W> {
    pub async fn run(&self, items: Vec<W::Item>) -> Vec<Result<W::Output, Failure>> {
        metrics::histogram!("orderflow_group_commit_batch_size", "writer" => W::NAME)
            .record(items.len() as f64);
        let (started, began) = (Instant::now(), SystemTime::now());
        let outcomes = self.commit_or_split(&items, started).await;
        commit_span::record::<W>(&items, &outcomes, began);
        metrics::histogram!("orderflow_group_commit_duration_seconds", "writer" => W::NAME)
            .record(started.elapsed());
        outcomes
    }

    /// Items left at the deadline are [`Failure::Unavailable`].
    async fn commit_or_split(&self, items: &[W::Item], started: Instant) -> Vec<Result<W::Output, Failure>> {
        let mut outcomes: Vec<_> =
            items.iter().map(|_| Err(Failure::Unavailable("the deadline has passed".to_owned()))).collect();
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

    /// Attempts until the deadline if the outcome of a commit is unknown, and `tries` times after a rollback.
    async fn persist(
        &self,
        items: &[W::Item],
        tries: u32,
        started: Instant,
    ) -> Result<Vec<W::Output>, DbError> {
        let mut attempts = Attempts::new(started, self.limits.deadline);
        loop {
            let error = match self.attempt(items).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) => error,
            };
            // A dependent batch has no part that could go ahead.
            let tries = if W::DEPENDENT && error.fault == Fault::Unfit { u32::MAX } else { tries };
            if !attempts.again(&error, tries).await {
                return Err(error);
            }
            tracing::warn!(writer = W::NAME, items = items.len(), %error, "commit failed; trying it again");
        }
    }

    async fn attempt(&self, items: &[W::Item]) -> Result<Vec<W::Output>, DbError> {
        let connection = self.database.connection().await?;
        failpoint::pass("commit.before", W::NAME);
        let commit = self.writer.commit(&connection, items);
        let Ok(outcomes) = tokio::time::timeout(self.limits.deadline, commit).await else {
            // The server may still run the statement, or be gone.
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

/// Contention of a dependent batch is a refusal: its caller has to find the failing item.
fn commit_error<W: Write>(error: DbError) -> Failure {
    if W::DEPENDENT && error.fault == Fault::Contention { Failure::Refused(error) } else { error.into() }
}

fn may_come_from_one_item(error: &DbError) -> bool {
    !matches!(error.fault, Fault::Unreachable | Fault::Lost)
}

fn split(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let size = part.len().div_ceil(PARTS_PER_SPLIT);
    let end = part.end;
    part.step_by(size).map(move |start| start..end.min(start + size))
}
