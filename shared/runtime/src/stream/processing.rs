use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    BrokerError, ConsumerSpec, EventHandler, Outcome, Received,
    consumer_group::ConsumerGroup,
    consumer_state::ConsumerState,
    dead_letters::Burial,
    entry::{Entry, Fields},
    handling::Handling,
    pending::Holder,
    retries::Why,
};
use crate::{failpoint, telemetry::begin_span};
use events::{Envelope, EnvelopeError, FIELD};

/// Ids and events, index by index.
struct Batch<E> {
    entries: Vec<String>,
    received: Vec<Received<E>>,
}

impl<E> Batch<E> {
    fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), received: Vec::with_capacity(capacity) }
    }

    fn push(&mut self, entry: String, received: Received<E>) {
        self.entries.push(entry);
        self.received.push(received);
    }
}

pub(super) struct Processing<H> {
    pub spec: ConsumerSpec,
    pub handler: H,
    pub consumer_group: ConsumerGroup,
    pub holder: Holder,
    pub state: Arc<Mutex<ConsumerState>>,
}

/// Kept alive, and counted against the budget.
pub(super) struct InHand {
    ids: Arc<Vec<String>>,
    batch: Vec<(Entry, u32)>,
}

impl<H: EventHandler> Processing<H> {
    pub(super) fn take(&self, batch: Vec<(Entry, u32)>) -> InHand {
        let ids = Arc::new(batch.iter().map(|(entry, _)| entry.id.clone()).collect::<Vec<String>>());
        let mut state = self.state();
        ids.iter().for_each(|id| state.retries.take(id));
        state.in_flight.push(Arc::clone(&ids));
        InHand { ids, batch }
    }

    pub(super) async fn process(&self, taken: InHand) -> Result<(), BrokerError> {
        if !taken.batch.is_empty() {
            failpoint::pass("consumer.after-read", &self.spec.stream);
        }
        let result = self.read_and_handle(taken.batch).await;
        // A drop guard would also run after a panic, when the next life needs the ids.
        let mut state = self.state();
        state.in_flight.retain(|batch| !Arc::ptr_eq(batch, &taken.ids));
        taken.ids.iter().for_each(|id| state.retries.tried(id));
        drop(state);
        result
    }

    async fn read_and_handle(&self, batch: Vec<(Entry, u32)>) -> Result<(), BrokerError> {
        let mut work = Batch::with_capacity(batch.len());
        for (entry, deliveries) in batch {
            match self.read_event(&entry, deliveries) {
                Ok(Some(received)) => work.push(entry.id, received),
                Ok(None) => self.consumer_group.acknowledge(&[entry.id]).await?,
                Err(why) => {
                    self.spec.metrics.count("poison", 1);
                    self.bury(&entry, deliveries, "unreadable", None, &why).await?;
                }
            }
        }
        if work.entries.is_empty() { Ok(()) } else { self.handle(work).await }
    }

    /// `None`: redriven for another group.
    fn read_event(&self, entry: &Entry, deliveries: u32) -> Result<Option<Received<H::Event>>, String> {
        if entry.fields.as_ref().is_some_and(Fields::is_damaged) {
            return Err("a field is not UTF-8; what could not be read is shown as \u{fffd}".to_owned());
        }
        let document = entry.fields.as_ref().and_then(|fields| fields.get(FIELD));
        let envelope = document.ok_or(EnvelopeError::Missing).and_then(Envelope::from_json);
        let envelope = envelope.map_err(|error| error.to_string())?;
        if envelope.redrive_group.as_ref().is_some_and(|group| *group != self.spec.group) {
            return Ok(None);
        }
        let event = envelope.decode().map_err(|e| e.to_string())?;
        let span = begin_span(&envelope.traceparent);
        Ok(Some(Received { envelope: Arc::new(envelope), event, deliveries, span }))
    }

    async fn handle(&self, batch: Batch<H::Event>) -> Result<(), BrokerError> {
        let handling = Handling::begin(batch.entries.len());
        let started = Instant::now();
        self.spec.rehearse_panic();
        failpoint::pass("handler.start", &self.spec.stream);
        let outcomes = self.handler.handle(&batch.received).await;
        self.spec.metrics.processing.record(started.elapsed());
        debug_assert_eq!(outcomes.len(), batch.entries.len(), "one outcome an event");
        self.conclude(batch, outcomes, &handling).await
    }

    async fn conclude(
        &self,
        batch: Batch<H::Event>,
        outcomes: Vec<Outcome>,
        handling: &Handling,
    ) -> Result<(), BrokerError> {
        let mut finished = Vec::with_capacity(batch.entries.len());
        let mut waiting = Waiting::default();
        let mut duplicates = 0;
        let now = Timestamp::now();
        for ((entry, received), outcome) in batch.entries.iter().zip(&batch.received).zip(outcomes) {
            handling.record(&self.spec, received, &outcome);
            match outcome {
                Outcome::Done | Outcome::Duplicate => {
                    duplicates += usize::from(outcome == Outcome::Duplicate);
                    self.spec.metrics.end_to_end.record(age(&received.envelope, now));
                    if received.deliveries > 1 {
                        self.state().failures.take(entry);
                    }
                    finished.push(entry.as_str());
                }
                Outcome::Transient(why) => waiting.push(entry, received.deliveries, why),
                Outcome::Failed(why) => self.note_failure(entry, received, &why),
                Outcome::Poison(why) => {
                    self.spec.metrics.count("poison", 1);
                    let entry = Entry { id: entry.clone(), fields: Some(Fields::from(&*received.envelope)) };
                    self.bury(&entry, received.deliveries, "rejected", None, &why).await?;
                }
            }
        }
        self.spec.metrics.count("duplicate", duplicates);
        self.spec.metrics.count("done", finished.len() - duplicates);
        if !finished.is_empty() {
            failpoint::pass("consumer.before-ack", &self.spec.stream);
            self.state().retries.environment_is_there(Instant::now());
        }
        self.consumer_group.acknowledge(&finished).await?;
        self.postpone(waiting, finished.is_empty()).await
    }

    fn note_failure(&self, entry: &str, received: &Received<H::Event>, why: &str) {
        self.spec.metrics.count("failed", 1);
        let request_id = received.envelope.request_id.as_deref().unwrap_or_default();
        let event = received.envelope.id;
        tracing::warn!(stream = %self.spec.key, %event, %request_id, deliveries = received.deliveries, %why, "failed; it stays pending");
        let mut state = self.state();
        state.failures.record(entry, why, false);
        state.retries.postpone(entry, Why::Failed, Instant::now());
    }

    /// Excludes the attempt from the delivery count.
    async fn postpone(&self, waiting: Waiting, all_failed: bool) -> Result<(), BrokerError> {
        let Some(why) = waiting.why else { return Ok(()) };
        let entries = waiting.by_deliveries.values().map(Vec::len).sum::<usize>();
        tracing::warn!(stream = %self.spec.key, entries, %why, "will be handled again");
        self.spec.metrics.count("transient", entries);
        let now = Instant::now();
        {
            let mut state = self.state();
            waiting
                .by_deliveries
                .values()
                .flatten()
                .for_each(|entry| state.retries.postpone(entry, Why::Environment, now));
            if all_failed {
                state.retries.environment_is_away();
            }
        }
        for (deliveries, entries) in waiting.by_deliveries {
            self.holder.count_as(&self.spec.broker, &entries, deliveries.saturating_sub(1)).await?;
        }
        Ok(())
    }

    /// Retries later if Redis refuses.
    pub(super) async fn bury(
        &self,
        entry: &Entry,
        deliveries: u32,
        reason: &str,
        first: Option<(String, Timestamp)>,
        last_error: &str,
    ) -> Result<(), BrokerError> {
        tracing::error!(stream = %self.spec.key, entry = %entry.id, deliveries, reason, error = last_error, "dead letter");
        let (first_error, first_failed_at) =
            first.unwrap_or_else(|| (last_error.to_owned(), Timestamp::now()));
        let burial = Burial {
            stream: &self.spec.stream,
            key: &self.spec.key,
            group: &self.spec.group,
            consumer: &self.spec.consumer,
            entry: &entry.id,
            fields: entry.fields.as_ref(),
            deliveries,
            reason,
            first_error: &first_error,
            last_error,
            first_failed_at,
        };
        match self.consumer_group.bury(&burial).await {
            Err(refused @ BrokerError::Refused(_)) => {
                tracing::error!(stream = %self.spec.key, entry = %entry.id, %refused, "it cannot be put to the dead letters; it stays pending");
                let mut state = self.state();
                state.failures.record(&entry.id, last_error, false);
                state.retries.postpone(&entry.id, Why::Failed, Instant::now());
                Ok(())
            }
            buried => buried,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ConsumerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By delivery number.
#[derive(Default)]
struct Waiting {
    by_deliveries: BTreeMap<u32, Vec<String>>,
    why: Option<String>,
}

impl Waiting {
    fn push(&mut self, entry: &str, deliveries: u32, why: String) {
        self.by_deliveries.entry(deliveries).or_default().push(entry.to_owned());
        self.why.get_or_insert(why);
    }
}

/// 0 when the clocks of two machines disagree.
fn age(envelope: &Envelope, now: Timestamp) -> Duration {
    now.duration_since(envelope.time).try_into().unwrap_or_default()
}
