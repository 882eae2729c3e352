//! Group commit: many callers, one transaction, one fsync.
//!
//! ```text
//!   callers ──Write──> queue ──(nothing in flight)──> batch ──one statement──> PostgreSQL
//!                        ^                                                        │
//!                        └── accumulates while a commit is in flight <── outcomes ┘
//! ```
//!
//! An idle writer commits a single item at once, a busy one commits whatever came in meanwhile. Work that no request waits for
//! ([`Write::PATIENCE`]) is committed once in some `commit-interval`s at most while it comes in numbers: every commit costs the
//! processor as much as several items, and what is behind it (the relay, the consumers) then gets its work in batches too.
//!
//! The guarantee: an outcome is sent only after the commit that holds it. When the connection breaks, the outcome of the
//! commit is unknown (14 of 48 errored COMMITs had happened); the same batch is then run again, which is why
//! [`Write::commit`] must be idempotent by a key of its items. That *is* the re-read by key.

use std::{
    collections::VecDeque,
    future::Future,
    ops::Range,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use tokio::sync::oneshot;

use super::{Connection, Database, DbError, Fault};
use crate::{
    failpoint,
    settings::DatabaseSettings,
    supervisor::{Drain, ExitReason, Life, RestartPolicy, Supervised, SupervisorHandle},
};

/// A writer in no hurry that found no more than so many items waiting does not make the next ones wait: 300 orders a second come
/// two or three in a commit-interval, and would only wait for each other, 8 ms at every step.
const FEW: usize = 4;
/// For each of so many items that it found waiting it waits for one more commit-interval, as long as it has the patience. A commit
/// costs about as much as eight items: a quarter of a batch of so many.
const MANY: usize = 32;
/// A batch that was rolled back for a reason that may pass (a lock, a deadlock) is tried so often before it is cut. With `WRITER_LOCK`
/// that takes half a second, which leaves time within `commit-deadline` to find what is in the way.
const TRIES: u32 = 2;
/// A batch is cut into so many parts: one item among 512 stands alone after three cuts, each of which may cost a `WRITER_LOCK`.
const PARTS: usize = 8;
/// Pause before a batch is tried again: long enough for a restarting server, short against `commit-deadline`.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// One kind of write, many at a time.
pub trait Write: Unpin + 'static {
    type Item: Send + Unpin + 'static;
    type Outcome: Send + Unpin + 'static;

    /// Label of the metrics.
    const NAME: &'static str;

    /// Later items were decided on the assumption that earlier ones commit: if a batch fails, what is queued fails too.
    /// Otherwise a batch that is rolled back is cut until the item that causes it stands alone.
    const DEPENDENT: bool = false;

    /// For how many commit-intervals the writer waits for more at most, when it has just committed many. None: a request waits for
    /// the outcome.
    const PATIENCE: u32 = 0;

    /// Writes all items in one transaction; one outcome an item, in order. Must be idempotent by a key of the items.
    fn commit(&self, connection: &Connection, items: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Outcome>, DbError>>;

    /// Runs after the commit, before the callers know: the place to feed the relay.
    fn committed(&self, _items: &[Self::Item], _outcomes: &[Self::Outcome]) {}
}

/// Why an item has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The database could not be reached in time, or did not take it in time. The item may have been committed: ask again by its key.
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

/// Where the outcome of an item goes. Dropped without one when the writer is replaced: the item may have been committed.
pub type Reply<O> = oneshot::Sender<Result<O, CommitError>>;

/// One item and where its outcome goes.
pub struct Commit<W: Write> {
    item: W::Item,
    reply: Reply<W::Outcome>,
}

impl<W: Write> Message for Commit<W> {
    type Result = ();
}

/// Several of them.
struct CommitAll<W: Write>(Vec<Commit<W>>);

impl<W: Write> Message for CommitAll<W> {
    type Result = ();
}

/// The outcome of an item, or that nobody is there any more who could tell.
async fn heard<W: Write>(outcome: oneshot::Receiver<Result<W::Outcome, CommitError>>) -> Result<W::Outcome, CommitError> {
    outcome.await.unwrap_or_else(|_| Err(CommitError::Unavailable(format!("the {} writer is being replaced", W::NAME))))
}

/// The actor that commits.
pub struct GroupCommit<W: Write> {
    writer: Rc<W>,
    database: Database,
    limits: Limits,
    queue: VecDeque<Commit<W>>,
    in_flight: bool,
    /// When the last batch began.
    begun: Option<Instant>,
    /// How many items it had.
    last: usize,
    /// The next one waits for more.
    paused: bool,
    draining: bool,
    life: Life,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    batch: usize,
    deadline: Duration,
    interval: Duration,
}

/// The way to a [`GroupCommit`] actor.
pub struct Commits<W: Write>(Supervised<GroupCommit<W>>);

impl<W: Write> Clone for Commits<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Write> Commits<W> {
    /// Starts the actor under `supervisor`. `writer` makes the writer, on the actor's own arbiter.
    pub fn start(
        supervisor: &SupervisorHandle,
        database: Database,
        settings: &DatabaseSettings,
        mut writer: impl FnMut() -> W + Send + 'static,
    ) -> Self {
        // Its own connection. That fails for what made `database` fail.
        let database = database.writer(W::NAME).unwrap_or(database);
        let limits = Limits { batch: settings.commit_batch, deadline: settings.commit_deadline, interval: settings.commit_interval };
        let policy = RestartPolicy::default();
        Self(supervisor.supervise("group-commit", W::NAME, policy, move |life| GroupCommit {
            writer: Rc::new(writer()),
            database: database.clone(),
            limits,
            queue: VecDeque::new(),
            in_flight: false,
            begun: None,
            last: 0,
            paused: false,
            draining: false,
            life,
        }))
    }

    /// Commits one item, together with whatever else is waiting. It is in the queue when this returns; the future is its outcome.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(&self, item: W::Item) -> impl Future<Output = Result<W::Outcome, CommitError>> + use<W> {
        let (reply, outcome) = oneshot::channel();
        self.commit_for(item, reply);
        heard::<W>(outcome)
    }

    /// Commits these items with one message; one future an item, in order.
    pub fn commit_all(&self, items: Vec<W::Item>) -> Vec<impl Future<Output = Result<W::Outcome, CommitError>> + use<W>> {
        let commit = |item| {
            let (reply, outcome) = oneshot::channel();
            (Commit { item, reply }, heard::<W>(outcome))
        };
        let (commits, outcomes): (Vec<_>, Vec<_>) = items.into_iter().map(commit).unzip();
        _ = self.0.tell(CommitAll(commits));
        outcomes
    }

    /// The same for somebody else, who waits at the other end of `reply`: a task and a wake-up less than to wait here for him.
    pub fn commit_for(&self, item: W::Item, reply: Reply<W::Outcome>) {
        _ = self.0.tell(Commit { item, reply }); // without a writer the reply is dropped with the item
    }

    /// Commits what is queued, then stops.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.0.drain(patience).await
    }
}

impl<W: Write> Actor for GroupCommit<W> {
    type Context = Context<Self>;
}

/// Sent to itself when there is something to commit and nothing in flight: handled when the mailbox is empty, so that everything
/// already queued joins the batch.
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
        match self.pause() {
            None => self.flush(context),
            Some(_) if self.paused => {}
            Some(pause) => {
                self.paused = true;
                context.run_later(pause, |actor, context| {
                    actor.paused = false;
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
        let reaches = |length| before < length && self.queue.len() >= length;
        if !self.in_flight && (reaches(1) || reaches(self.limits.batch)) {
            context.notify(Flush);
        }
    }

    /// How long to wait for more.
    fn pause(&self) -> Option<Duration> {
        let waits = W::PATIENCE > 0 && !self.draining && self.last > FEW && (1..self.limits.batch).contains(&self.queue.len());
        let intervals = u32::try_from(self.last / MANY).unwrap_or(u32::MAX).max(1).min(W::PATIENCE);
        let pause = (self.limits.interval * intervals).checked_sub(self.begun?.elapsed())?;
        waits.then_some(pause)
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
        let (items, replies): (Vec<_>, Vec<_>) = self.queue.drain(..count).map(|c| (c.item, c.reply)).unzip();
        self.in_flight = true;
        (self.begun, self.last) = (Some(Instant::now()), count);
        self.life.queue_depth(self.queue.len());
        let batch = Batch { writer: Rc::clone(&self.writer), database: self.database.clone(), limits: self.limits };
        let commit = async move { batch.run(items).await };
        context.spawn(commit.into_actor(self).map(move |outcomes, actor, context| {
            actor.in_flight = false;
            actor.answer(replies, outcomes);
            context.notify(Flush);
        }));
    }

    fn answer(&mut self, replies: Vec<Reply<W::Outcome>>, outcomes: Vec<Result<W::Outcome, CommitError>>) {
        let failure = outcomes.iter().find_map(|outcome| outcome.as_ref().err().cloned());
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            _ = reply.send(outcome); // the caller may have gone: its key answers a second request
        }
        if let Some(error) = failure
            && W::DEPENDENT
        {
            for commit in self.queue.drain(..) {
                _ = commit.reply.send(Err(error.clone()));
            }
        }
    }
}

/// What one flush needs, apart from the actor.
struct Batch<W> {
    writer: Rc<W>,
    database: Database,
    limits: Limits,
}

impl<W: Write> Batch<W> {
    async fn run(&self, items: Vec<W::Item>) -> Vec<Result<W::Outcome, CommitError>> {
        metrics::histogram!("orderflow_group_commit_batch_size", "writer" => W::NAME).record(items.len() as f64);
        let started = Instant::now();
        let outcomes = self.settle(&items, started).await;
        metrics::histogram!("orderflow_group_commit_duration_seconds", "writer" => W::NAME).record(started.elapsed());
        outcomes
    }

    /// Commits `items`. A batch that cannot be committed as a whole is cut into parts, and those again, until what is in the way
    /// stands alone; the parts that can be committed come first. What is left at the deadline was not committed.
    async fn settle(&self, items: &[W::Item], started: Instant) -> Vec<Result<W::Outcome, CommitError>> {
        let mut outcomes: Vec<_> = items.iter().map(|_| Err(CommitError::Unavailable("out of time".to_owned()))).collect();
        let mut parts = VecDeque::new();
        parts.push_back(0..items.len());
        while let Some(part) = parts.pop_front() {
            let tries = if part.len() == items.len() { TRIES } else { 1 };
            let result = self.persist(&items[part.clone()], tries, started).await;
            let pause = matches!(&result, Err(error) if error.is_transient());
            match result {
                Ok(done) => part.zip(done).for_each(|(n, outcome)| outcomes[n] = Ok(outcome)),
                Err(error) if part.len() > 1 && !W::DEPENDENT && may_be_of_one_item(&error) => parts.extend(cut(part)),
                Err(error) => part.for_each(|n| outcomes[n] = Err(failure::<W>(error.clone()))),
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

    /// Commits `items`: until the deadline while the outcome is unknown; `tries` times when they were rolled back and that may pass.
    async fn persist(&self, items: &[W::Item], tries: u32, started: Instant) -> Result<Vec<W::Outcome>, DbError> {
        let (mut tried, mut may_have_happened) = (0, false);
        loop {
            let error = match self.attempt(items).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) => error,
            };
            tried += 1;
            may_have_happened |= error.fault == Fault::Lost;
            let again = match error.fault {
                Fault::Lost => true,
                Fault::Unreachable => may_have_happened,
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

    async fn attempt(&self, items: &[W::Item]) -> Result<Vec<W::Outcome>, DbError> {
        let connection = self.database.connection().await?;
        failpoint::pass("commit.before", W::NAME);
        let commit = self.writer.commit(&connection, items);
        let Ok(outcomes) = tokio::time::timeout(self.limits.deadline, commit).await else {
            // The server may still be at it, or gone without a word.
            connection.condemn();
            return Err(DbError::silent(self.limits.deadline));
        };
        let outcomes = outcomes?;
        debug_assert_eq!(outcomes.len(), items.len(), "one outcome an item");
        failpoint::pass("commit.after", W::NAME);
        self.writer.committed(items, &outcomes);
        Ok(outcomes)
    }
}

/// Who decided a batch as a whole has to find out which of its items somebody keeps from being committed, and is told so.
fn failure<W: Write>(error: DbError) -> CommitError {
    if W::DEPENDENT && error.fault == Fault::Contention { CommitError::Refused(error) } else { error.into() }
}

/// What was rolled back, possibly for the sake of one item: because of its values, of a row that somebody holds, or of what only its
/// row runs into.
fn may_be_of_one_item(error: &DbError) -> bool {
    !matches!(error.fault, Fault::Unreachable | Fault::Lost)
}

fn cut(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (size, end) = (part.len().div_ceil(PARTS), part.end);
    part.step_by(size).map(move |start| start..end.min(start + size))
}
