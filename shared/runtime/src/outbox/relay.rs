//! The relay publishes events from memory after their commit; the [`sweep`] finds the rest.
//!
//! Polling instead made an order take 16 ms longer.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::future::LocalBoxFuture;
use uuid::Uuid;

use super::{
    OutboxDepth, OutboxEvent, RelayOptions,
    publishing::{publish, take_one},
    store, sweep,
};
use crate::{
    db::DbError,
    supervisor::{Drain, Drainable, ExitReason, Life, RestartPolicy, Supervised, SupervisorHandle},
};

const CHUNK: usize = 512;
/// Bound during an outage, about 1 KiB each; the sweep finds the rest.
const MAX_QUEUED: usize = 10_000;
/// About 100 bytes each. A row without a recorded entry is published again when due.
const MAX_TRACKED_ENTRIES: usize = 50_000;

/// Events of a committed transaction.
#[derive(Message)]
#[rtype(result = "()")]
struct Publish(Vec<Arc<OutboxEvent>>);

/// Events whose effect is known and whose rows are deleted.
#[derive(Message)]
#[rtype(result = "()")]
struct Confirmed(Vec<Uuid>);

#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

#[derive(Message)]
#[rtype(result = "()")]
struct RecordEntries;

/// The handle of the relay.
#[derive(Clone)]
pub struct RelayHandle {
    relay: Supervised<Relay>,
    depth: Arc<Mutex<OutboxDepth>>,
}

impl RelayHandle {
    /// Starts the relay.
    pub fn start(supervisor: &SupervisorHandle, options: &RelayOptions) -> Self {
        _ = options.republished(); // shows 0
        let depth = Arc::<Mutex<OutboxDepth>>::default();
        let options = options.clone();
        let shared = Arc::clone(&depth);
        let start = move |life| Relay::new(options.clone(), Arc::clone(&shared), life);
        Self { relay: supervisor.supervise("relay", "outbox", RestartPolicy::default(), start), depth }
    }

    /// Hands over committed events; during a restart the sweep publishes them.
    pub fn publish(&self, events: impl IntoIterator<Item = impl Into<Arc<OutboxEvent>>>) {
        let events: Vec<Arc<OutboxEvent>> = events.into_iter().map(Into::into).collect();
        if !events.is_empty() && self.relay.tell(Publish(events)).is_err() {
            tracing::debug!("the relay is being replaced; the sweep publishes");
        }
    }

    /// Drops entries of events whose effect is known.
    pub fn confirmed(&self, events: Vec<Uuid>) {
        if !events.is_empty() {
            _ = self.relay.tell(Confirmed(events)); // a fresh relay starts without entries
        }
    }

    /// A few seconds old; older during an outage.
    #[must_use]
    pub fn depth(&self) -> OutboxDepth {
        *self.depth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False: `limit` came first.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.relay.drain(limit).await
    }
}

impl Drainable for RelayHandle {
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool> {
        Box::pin(Self::drain(self, limit))
    }
}

/// The actor that publishes.
pub struct Relay {
    options: Rc<RelayOptions>,
    queue: VecDeque<Arc<OutboxEvent>>,
    /// With the time of publication.
    entries: HashMap<Uuid, (String, Instant)>,
    sweeps: Option<sweep::SweepState>,
    /// Room at the last sweep, less the entries published since.
    room: HashMap<&'static str, u64>,
    depth: Arc<Mutex<OutboxDepth>>,
    busy: bool,
    draining: bool,
    life: Life,
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.notify(Sweep);
        context.notify(RecordEntries);
    }
}

impl Handler<Publish> for Relay {
    type Result = ();

    fn handle(&mut self, message: Publish, context: &mut Self::Context) {
        let room = MAX_QUEUED.saturating_sub(self.queue.len());
        self.queue.extend(message.0.into_iter().take(room));
        self.flush(context);
    }
}

impl Handler<Confirmed> for Relay {
    type Result = ();

    fn handle(&mut self, message: Confirmed, _: &mut Self::Context) {
        for event in message.0 {
            self.entries.remove(&event);
        }
    }
}

impl Handler<Sweep> for Relay {
    type Result = ();

    fn handle(&mut self, _: Sweep, context: &mut Self::Context) {
        let options = Rc::clone(&self.options);
        let mut state = self.sweeps.take().unwrap_or_default();
        let queued = self.queue.iter().map(|event| event.envelope.id).collect::<HashSet<Uuid>>();
        let sweep = async move {
            sweep::sweep(&options, &mut state, &queued).await;
            state
        };
        context.spawn(sweep.into_actor(self).map(|state, relay, context| {
            relay.room.clone_from(&state.room);
            *relay.depth.lock().unwrap_or_else(PoisonError::into_inner) = state.depth;
            relay.sweeps = Some(state);
            context.notify_later(Sweep, relay.options.settings.sweep_interval);
        }));
    }
}

impl Handler<RecordEntries> for Relay {
    type Result = ();

    fn handle(&mut self, _: RecordEntries, context: &mut Self::Context) {
        let options = Rc::clone(&self.options);
        let unconfirmed = self.take_unconfirmed();
        let record =
            async move { record(&options, &unconfirmed).await.map_err(|error| (error, unconfirmed)) };
        context.spawn(record.into_actor(self).map(|recorded, relay, context| {
            if let Err((error, unconfirmed)) = recorded {
                tracing::warn!(%error, "cannot record the entries of events");
                relay.track(unconfirmed);
            }
            context.notify_later(RecordEntries, relay.options.settings.resend_after / 8);
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
    fn new(options: RelayOptions, depth: Arc<Mutex<OutboxDepth>>, life: Life) -> Self {
        let room = options.routes.iter().map(|route| (route.stream, options.settings.backlog)).collect();
        Self {
            options: Rc::new(options),
            queue: VecDeque::new(),
            entries: HashMap::new(),
            sweeps: None,
            room,
            depth,
            busy: false,
            draining: false,
            life,
        }
    }

    /// Rows get their entry before they are due, even if this runs half a lease late.
    fn take_unconfirmed(&mut self) -> Vec<(Uuid, String)> {
        let quarter = self.options.settings.resend_after / 4;
        self.entries
            .extract_if(|_, (_, at)| at.elapsed() >= quarter)
            .map(|(event, (entry, _))| (event, entry))
            .collect()
    }

    fn track(&mut self, entries: Vec<(Uuid, String)>) {
        let room = MAX_TRACKED_ENTRIES.saturating_sub(self.entries.len());
        let now = Instant::now();
        self.entries.extend(entries.into_iter().take(room).map(|(event, entry)| (event, (entry, now))));
    }

    /// Drops events without room, which wait in the table.
    fn next_chunk(&mut self) -> Vec<Arc<OutboxEvent>> {
        let mut chunk = Vec::with_capacity(self.queue.len().min(CHUNK));
        while chunk.len() < CHUNK
            && let Some(event) = self.queue.pop_front()
        {
            let room = self.room.get_mut(event.stream.as_str());
            if room.is_none_or(take_one) {
                chunk.push(event);
            }
        }
        chunk
    }

    fn flush(&mut self, context: &mut Context<Self>) {
        if self.busy {
            return;
        }
        let chunk = self.next_chunk();
        if chunk.is_empty() {
            if self.draining {
                self.life.ends(ExitReason::Drained);
                context.stop();
            }
            return;
        }
        self.busy = true;
        self.life.queue_depth(self.queue.len());
        let options = Rc::clone(&self.options);
        let publish = async move {
            let published = publish(&options, chunk.iter().map(|event| (&**event, 0)).collect()).await;
            let unsent = chunk
                .into_iter()
                .filter(|event| published.unsent.contains(&event.envelope.id))
                .collect::<Vec<_>>();
            (published.entries, unsent)
        };
        context.spawn(publish.into_actor(self).map(|(entries, unsent), actor, context| {
            actor.track(entries);
            actor.continue_with(unsent, context);
        }));
    }

    fn continue_with(&mut self, unsent: Vec<Arc<OutboxEvent>>, context: &mut Context<Self>) {
        let outage = !unsent.is_empty();
        for event in unsent.into_iter().rev() {
            self.queue.push_front(event);
        }
        self.queue.truncate(MAX_QUEUED);
        if !outage {
            self.busy = false;
            self.flush(context);
        } else if self.draining {
            // The rows stay in the outbox.
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

async fn record(options: &RelayOptions, entries: &[(Uuid, String)]) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    store::record_entries(&options.database.connection().await?, entries).await
}
