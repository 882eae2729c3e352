//! The relay: publishes what the outbox holds.
//!
//! It is fed in memory after each commit (no polling delay: a relay on a timer made an order take 16 ms longer), and sweeps
//! the table for what fell due: rows of a process that died, events not confirmed in time, everything after Redis was reset.
//! What it cannot publish stays in memory up to a bound and is tried again; past the bound the table has it anyway.

use std::{
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use super::{
    OutboxEvent, Retention,
    store::{self, Due},
};
use crate::{
    db::{Database, DbError},
    events::Envelope,
    settings::StreamSettings,
    stream::{Broker, BrokerError},
    supervisor::{Drain, ExitReason, Life, RestartPolicy, Supervised, SupervisorHandle},
};

/// Events of one pipelined round trip.
const CHUNK: usize = 512;
/// Unpublished events kept in memory during an outage; about 1 KiB each. Beyond, the sweep finds them in the table.
const MEMORY: usize = 10_000;

/// What a relay needs to know.
#[derive(Clone)]
pub struct RelayOptions {
    /// The service, as it names itself in Redis.
    pub service: &'static str,
    pub database: Database,
    pub broker: Broker,
    pub settings: StreamSettings,
    /// The streams on which this service hears of the effect of what it publishes.
    pub answered_on: &'static [&'static str],
    /// Runs when Redis turns out to have been reset: publishes again what no outbox row would.
    pub after_reset: Option<AfterReset>,
}

/// Makes the future that runs after a reset.
pub type AfterReset = Arc<dyn Fn() -> LocalBoxFuture<'static, Result<(), DbError>> + Send + Sync>;

/// Publish these: their transaction is committed.
#[derive(Message)]
#[rtype(result = "()")]
struct Publish(Vec<Arc<OutboxEvent>>);

#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

/// The way to the relay.
#[derive(Clone)]
pub struct RelayHandle(Supervised<Relay>);

impl RelayHandle {
    /// Starts the relay under `supervisor`.
    pub fn start(supervisor: &SupervisorHandle, options: &RelayOptions) -> Self {
        let options = options.clone();
        let start = move |life| Relay { options: Rc::new(options.clone()), queue: VecDeque::new(), busy: false, draining: false, life };
        Self(supervisor.supervise("relay", "outbox", RestartPolicy::default(), start))
    }

    /// Hands over committed events. If the relay is being replaced the sweep will find them.
    pub fn publish(&self, events: impl IntoIterator<Item = impl Into<Arc<OutboxEvent>>>) {
        let events: Vec<Arc<OutboxEvent>> = events.into_iter().map(Into::into).collect();
        if !events.is_empty() && self.0.tell(Publish(events)).is_err() {
            tracing::debug!("the relay is being replaced; the sweep will publish");
        }
    }

    /// Publishes what is in memory, then stops.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.0.drain(patience).await
    }
}

/// The actor.
pub struct Relay {
    options: Rc<RelayOptions>,
    queue: VecDeque<Arc<OutboxEvent>>,
    busy: bool,
    draining: bool,
    life: Life,
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.notify(Sweep);
    }
}

impl Handler<Publish> for Relay {
    type Result = ();

    fn handle(&mut self, message: Publish, context: &mut Self::Context) {
        let room = MEMORY.saturating_sub(self.queue.len());
        self.queue.extend(message.0.into_iter().take(room));
        self.flush(context);
    }
}

impl Handler<Sweep> for Relay {
    type Result = ();

    fn handle(&mut self, _: Sweep, context: &mut Self::Context) {
        let options = Rc::clone(&self.options);
        let sweep = async move { sweep(&options).await };
        context.spawn(sweep.into_actor(self).map(|(), actor, context| {
            context.notify_later(Sweep, actor.options.settings.sweep_interval);
        }));
    }
}

impl Handler<Drain> for Relay {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.draining = true;
        self.flush(context);
    }
}

impl Relay {
    /// Publishes the next chunk, unless one is on its way.
    fn flush(&mut self, context: &mut Context<Self>) {
        if self.busy {
            return;
        }
        if self.queue.is_empty() {
            if self.draining {
                self.life.ends(ExitReason::Drained);
                context.stop();
            }
            return;
        }
        self.busy = true;
        let chunk: Vec<Arc<OutboxEvent>> = self.queue.drain(..self.queue.len().min(CHUNK)).collect();
        self.life.queue_depth(self.queue.len());
        let options = Rc::clone(&self.options);
        let publish = async move {
            let unsent = publish(&options, chunk.iter().map(|event| (&**event, 0)).collect()).await;
            chunk.into_iter().filter(|event| unsent.contains(&event.envelope.id)).collect::<Vec<_>>()
        };
        context.spawn(publish.into_actor(self).map(|unsent, actor, context| actor.continue_with(unsent, context)));
    }

    fn continue_with(&mut self, unsent: Vec<Arc<OutboxEvent>>, context: &mut Context<Self>) {
        let outage = !unsent.is_empty();
        for event in unsent.into_iter().rev() {
            self.queue.push_front(event);
        }
        self.queue.truncate(MEMORY);
        if !outage {
            self.busy = false;
            self.flush(context);
        } else if self.draining {
            // Redis is away and the process must go: the rows are in the outbox.
            self.life.ends(ExitReason::Drained);
            context.stop();
        } else {
            context.run_later(self.options.settings.sweep_interval, |actor, context| {
                actor.busy = false;
                actor.flush(context);
            });
        }
    }
}

/// Publishes events, each with the number of times the sweep has published it, and forgets the rows that are done with.
/// Returns the ids that could not be published.
async fn publish(options: &RelayOptions, events: Vec<(&OutboxEvent, i32)>) -> Vec<Uuid> {
    let envelopes: Vec<(&str, &Envelope)> = events.iter().map(|(event, _)| (event.stream.as_str(), &event.envelope)).collect();
    let results = match options.broker.publish(&envelopes).await {
        Ok(results) => results,
        Err(error) => {
            tracing::warn!(%error, events = events.len(), "cannot publish; the outbox keeps them");
            return events.iter().map(|(event, _)| event.envelope.id).collect();
        }
    };
    let (mut unsent, mut done) = (Vec::new(), Vec::new());
    for ((event, attempts), result) in events.iter().zip(results) {
        match result {
            Err(error) => {
                log_refusal(event, &error);
                unsent.push(event.envelope.id);
            }
            Ok(()) if is_done(event.retention, *attempts) => done.push(event.envelope.id),
            Ok(()) => {}
        }
    }
    if let Err(error) = forget(&options.database, &done).await {
        tracing::warn!(%error, "published rows stay in the outbox and will be published again");
    }
    unsent
}

fn is_done(retention: Retention, attempts: i32) -> bool {
    match retention {
        Retention::Repeated(times) => attempts >= times,
        Retention::UntilConfirmed => false,
    }
}

fn log_refusal(event: &OutboxEvent, error: &BrokerError) {
    tracing::warn!(event = %event.envelope.id, stream = %event.stream, %error, "Redis refused an event");
}

async fn forget(database: &Database, ids: &[Uuid]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    store::forget(&database.connection().await?, ids).await
}

/// Publishes everything that is due, unless Redis is away.
async fn sweep(options: &RelayOptions) {
    if !options.broker.is_reachable().await {
        return;
    }
    if let Err(error) = heal_reset(options).await {
        tracing::warn!(%error, "cannot look whether Redis was reset");
        return;
    }
    let unsettled = match unsettled(options).await {
        Ok(unsettled) => unsettled,
        Err(error) => return tracing::warn!(%error, "cannot look what is unsettled"),
    };
    loop {
        match sweep_chunk(options, &unsettled).await {
            Ok(published) if published == CHUNK => {}
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "the sweep of the outbox failed"),
        }
    }
}

/// For the streams that have rows due: since when something of them waits for its effect, or for that to be heard of here. A
/// row that this relay published late, and its answer, count as long as they are not later than `resend-after`.
async fn unsettled(options: &RelayOptions) -> Result<Vec<(String, SystemTime)>, SweepError> {
    let streams = store::due_streams(&options.database.connection().await?).await?;
    let mut answers = None;
    for stream in options.answered_on.iter().filter(|_| !streams.is_empty()) {
        answers = [answers, options.broker.unsettled_since(stream).await?].into_iter().flatten().min();
    }
    let mut unsettled = Vec::with_capacity(streams.len());
    for stream in streams {
        let oldest = [answers, options.broker.unsettled_since(&stream).await?].into_iter().flatten().min();
        let since = oldest.and_then(|oldest| oldest.checked_sub(options.settings.resend_after));
        unsettled.extend(since.map(|since| (stream, since)));
    }
    Ok(unsettled)
}

async fn sweep_chunk(options: &RelayOptions, unsettled: &[(String, SystemTime)]) -> Result<usize, DbError> {
    let connection = options.database.connection().await?;
    let due = store::take_due(&connection, options.settings.resend_after, CHUNK as i64, unsettled).await?;
    if due.is_empty() {
        return Ok(0);
    }
    log_repetition(&due);
    metrics::counter!("orderflow_reconciler_republished_total", "service" => options.service).increment(due.len() as u64);
    let unsent = publish(options, due.iter().map(|Due { event, attempts }| (event, *attempts)).collect()).await;
    if unsent.is_empty() {
        return Ok(due.len());
    }
    store::give_back(&connection, &unsent).await?;
    Ok(0)
}

/// What nobody has confirmed in time is news; what is to be published several times anyway is not.
fn log_repetition(due: &[Due]) {
    let unconfirmed = due.iter().filter(|due| due.event.retention == Retention::UntilConfirmed).count();
    if unconfirmed > 0 {
        tracing::info!(events = unconfirmed, "publishing again what nobody has confirmed");
    }
    if unconfirmed < due.len() {
        tracing::debug!(events = due.len() - unconfirmed, "publishing once more what is published several times");
    }
}

/// A marker in Redis that is gone says that Redis has lost its data: then everything unconfirmed is due at once. It says
/// `present` only when that was done: who dies over it leaves it to the next sweep, whoever's that is.
async fn heal_reset(options: &RelayOptions) -> Result<(), SweepError> {
    let marker = format!("orderflow:marker:{}", options.service);
    let mut get = redis::cmd("GET");
    get.arg(&marker);
    if options.broker.command::<Option<String>>(get).await?.as_deref() == Some("present") {
        return Ok(());
    }
    let mut begun = redis::cmd("SET");
    begun.arg(&marker).arg("healing");
    options.broker.command::<()>(begun).await?;
    publish_everything(options).await?;
    // XX: if Redis has lost its data once more meanwhile, the marker stays away, and the next sweep begins anew.
    let mut done = redis::cmd("SET");
    done.arg(&marker).arg("present").arg("XX");
    Ok(options.broker.command::<Option<String>>(done).await.map(drop)?)
}

async fn publish_everything(options: &RelayOptions) -> Result<(), DbError> {
    let due = store::make_all_due(&options.database.connection().await?).await?;
    tracing::info!(events = due, "Redis has none of our data (new, or reset): everything unconfirmed is published again");
    match &options.after_reset {
        Some(after_reset) => after_reset().await,
        None => Ok(()),
    }
}

#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Database(#[from] DbError),
}
