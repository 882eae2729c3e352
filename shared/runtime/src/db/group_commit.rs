//! Group commit: many callers, one transaction, one fsync.
//!
//! ```text
//!   callers ──Write──> queue ──(nothing in flight)──> batch ──one statement──> PostgreSQL
//!                        ^                                                        │
//!                        └── accumulates while a commit is in flight <── outputs ─┘
//! ```
//!
//! A caller gets its output only after the commit that holds its item. After a broken connection the batch
//! runs again, so [`Write::commit`] must be idempotent: 14 of 48 failed COMMITs had happened.

use std::{
    collections::VecDeque,
    future::Future,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::{Database, DatabaseSettings, Failure, OutputSender, Write, batch::Batch, write::Limits};
use crate::supervisor::{Drain, Drainable, ExitReason, Life, RestartPolicy, Supervised, SupervisorHandle};

/// At 300 orders a second 2 to 3 items arrive per commit-interval; waiting would cost 8 ms a step.
const MAX_UNDELAYED_BATCH: usize = 4;
/// A commit costs as much as these items. With four times as many, the batches of two instances at 2,000 orders
/// a second each stayed too small for a second interval.
const ITEMS_PER_WAIT_INTERVAL: usize = 8;
/// Queued items that end the wait. One instance reaches them in 28 ms at 9,000 orders a second, two at half of it
/// each in 57 ms: as many commits in all. Unsettled charges keep their slots of `provider-in-flight` (1,000).
const WORTH_A_COMMIT: usize = 256;

/// One item and the channel for its output.
pub struct Commit<W: Write> {
    item: W::Item,
    sender: OutputSender<W::Output>,
}

impl<W: Write> Message for Commit<W> {
    type Result = ();
}

struct CommitAll<W: Write>(Vec<Commit<W>>);

impl<W: Write> Message for CommitAll<W> {
    type Result = ();
}

/// A writer that is replaced leaves [`Failure::Unavailable`].
async fn output_of<W: Write>(
    outcome: oneshot::Receiver<Result<W::Output, Failure>>,
) -> Result<W::Output, Failure> {
    outcome
        .await
        .unwrap_or_else(|_| Err(Failure::Unavailable(format!("the {} writer is being replaced", W::NAME))))
}

/// Collects items into batches and commits them.
pub struct GroupCommit<W: Write> {
    writer: Rc<W>,
    database: Database,
    limits: Limits,
    queue: VecDeque<Commit<W>>,
    /// [`Write::is_awaited`] holds for an item of the queue.
    awaited: bool,
    in_flight: bool,
    last_began: Option<Instant>,
    last_size: usize,
    /// The timer of [`Self::remaining_wait`] runs.
    waiting: bool,
    draining: bool,
    life: Life,
}

/// The handle of a [`GroupCommit`] actor.
pub struct Commits<W: Write>(Supervised<GroupCommit<W>>);

impl<W: Write> Clone for Commits<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Write> Commits<W> {
    /// Starts the actor; `writer` runs on its arbiter.
    pub fn start(
        supervisor: &SupervisorHandle,
        database: Database,
        settings: &DatabaseSettings,
        mut writer: impl FnMut() -> W + Send + 'static,
    ) -> Self {
        // Can only fail if `database` did: both have the same settings.
        let database = database.writer(W::NAME).unwrap_or(database);
        let limits = Limits {
            batch: settings.commit_batch,
            deadline: settings.commit_deadline,
            interval: settings.commit_interval,
        };
        let policy = RestartPolicy::default();
        Self(supervisor.supervise("group-commit", W::NAME, policy, move |life| GroupCommit {
            writer: Rc::new(writer()),
            database: database.clone(),
            limits,
            queue: VecDeque::new(),
            awaited: false,
            in_flight: false,
            last_began: None,
            last_size: 0,
            waiting: false,
            draining: false,
            life,
        }))
    }

    /// Queues an item at once; the future yields the output.
    pub fn commit(&self, item: W::Item) -> impl Future<Output = Result<W::Output, Failure>> + use<W> {
        let (sender, outcome) = oneshot::channel();
        self.commit_for(item, sender);
        output_of::<W>(outcome)
    }

    /// Queues several items at once; one future per item, in order.
    pub fn commit_all(
        &self,
        items: Vec<W::Item>,
    ) -> Vec<impl Future<Output = Result<W::Output, Failure>> + use<W>> {
        let commit = |item| {
            let (sender, outcome) = oneshot::channel();
            (Commit { item, sender }, output_of::<W>(outcome))
        };
        let (commits, outcomes): (Vec<_>, Vec<_>) = items.into_iter().map(commit).unzip();
        _ = self.0.tell(CommitAll(commits));
        outcomes
    }

    /// Queues an item for `sender`, which saves a task and a wake-up.
    pub fn commit_for(&self, item: W::Item, sender: OutputSender<W::Output>) {
        _ = self.0.tell(Commit { item, sender }); // without an actor the sender is dropped with the item
    }

    /// Commits the queued items; false if the limit came first.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.0.drain(limit).await
    }
}

impl<W: Write> Drainable for Commits<W> {
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool> {
        Box::pin(Self::drain(self, limit))
    }
}

impl<W: Write> Actor for GroupCommit<W> {
    type Context = Context<Self>;
}

/// Handled after all queued messages, so their items join the batch.
#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl<W: Write> Handler<Commit<W>> for GroupCommit<W> {
    type Result = ();

    fn handle(&mut self, commit: Commit<W>, context: &mut Self::Context) {
        self.enqueue([commit], context);
    }
}

impl<W: Write> Handler<CommitAll<W>> for GroupCommit<W> {
    type Result = ();

    fn handle(&mut self, commits: CommitAll<W>, context: &mut Self::Context) {
        self.enqueue(commits.0, context);
    }
}

impl<W: Write> Handler<Flush> for GroupCommit<W> {
    type Result = ();

    fn handle(&mut self, _: Flush, context: &mut Self::Context) {
        if self.in_flight {
            return;
        }
        match self.remaining_wait() {
            None => self.flush(context),
            Some(_) if self.waiting => {}
            Some(wait) => {
                self.waiting = true;
                context.run_later(wait, |actor, context| {
                    actor.waiting = false;
                    actor.handle(Flush, context);
                });
            }
        }
    }
}

impl<W: Write> Handler<Drain> for GroupCommit<W> {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.draining = true;
        if !self.in_flight {
            self.flush(context);
        }
    }
}

impl<W: Write> GroupCommit<W> {
    fn enqueue(&mut self, commits: impl IntoIterator<Item = Commit<W>>, context: &mut Context<Self>) {
        let before = self.queue.len();
        self.queue.extend(commits);
        let ends_wait = !self.awaited && self.queue.range(before..).any(|commit| W::is_awaited(&commit.item));
        self.awaited |= ends_wait;
        let reaches = |length| before < length && self.queue.len() >= length;
        if !self.in_flight && (ends_wait || reaches(1) || reaches(self.enough())) {
            context.notify(Flush);
        }
    }

    fn enough(&self) -> usize {
        self.limits.batch.min(WORTH_A_COMMIT)
    }

    /// `None` to commit now.
    fn remaining_wait(&self) -> Option<Duration> {
        let waits = W::MAX_WAIT_INTERVALS > 0
            && !self.draining
            && !self.awaited
            && self.last_size > MAX_UNDELAYED_BATCH
            && (1..self.enough()).contains(&self.queue.len());
        let intervals = u32::try_from(self.last_size / ITEMS_PER_WAIT_INTERVAL)
            .unwrap_or(u32::MAX)
            .max(1)
            .min(W::MAX_WAIT_INTERVALS);
        let wait = (self.limits.interval * intervals).checked_sub(self.last_began?.elapsed())?;
        waits.then_some(wait)
    }

    fn flush(&mut self, context: &mut Context<Self>) {
        let count = self.queue.len().min(self.limits.batch);
        if count == 0 {
            if self.draining {
                self.life.ends(ExitReason::Drained);
                context.stop();
            }
            return;
        }
        let (items, senders): (Vec<_>, Vec<_>) =
            self.queue.drain(..count).map(|c| (c.item, c.sender)).unzip();
        self.awaited = self.queue.iter().any(|commit| W::is_awaited(&commit.item));
        self.in_flight = true;
        self.last_began = Some(Instant::now());
        self.last_size = count;
        self.life.queue_depth(self.queue.len());
        let batch =
            Batch { writer: Rc::clone(&self.writer), database: self.database.clone(), limits: self.limits };
        let commit = async move { batch.run(items).await };
        context.spawn(commit.into_actor(self).map(move |outcomes, actor, context| {
            actor.in_flight = false;
            actor.send_outputs(senders, outcomes);
            context.notify(Flush);
        }));
    }

    fn send_outputs(
        &mut self,
        senders: Vec<OutputSender<W::Output>>,
        outcomes: Vec<Result<W::Output, Failure>>,
    ) {
        let failure = outcomes.iter().find_map(|outcome| outcome.as_ref().err().cloned());
        if W::MAX_WAIT_INTERVALS == 0 {
            let is_done = outcomes.iter().any(|outcome| !matches!(outcome, Err(Failure::Unavailable(_))));
            self.database.health().record_batch(
                W::NAME,
                if is_done { None } else { failure.as_ref().map(ToString::to_string) },
            );
        }
        for (sender, outcome) in senders.into_iter().zip(outcomes) {
            _ = sender.send(outcome); // the caller may have gone: its key answers a second request
        }
        if let Some(error) = failure
            && W::DEPENDENT
        {
            for commit in self.queue.drain(..) {
                _ = commit.sender.send(Err(error.clone()));
            }
        }
    }
}
