//! What is done with entries that were read: they are decoded, handled, and settled by the outcome of their handler.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    BrokerError, ConsumerSpec, EventHandler, Outcome, Received,
    dead_letters::Burial,
    entry::{Entry, Fields},
    pending,
    settle::{Memory, Settlement},
    spans::Handling,
};
use crate::{events::Envelope, failpoint, seeded_bug, telemetry::begin_span};

/// Pauses between attempts at a batch while the environment is down.
const TRANSIENT_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Entries that could be read as events: ids and events, index by index.
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

/// The part of a session that does not read.
pub(super) struct Processing<H> {
    pub spec: ConsumerSpec,
    pub handler: H,
    pub settlement: Settlement,
    pub memory: Arc<Mutex<Memory>>,
    pub stopping: Rc<Cell<bool>>,
}

impl<H: EventHandler> Processing<H> {
    pub(super) async fn process(&self, batch: Vec<(Entry, u32)>) -> Result<(), BrokerError> {
        if !batch.is_empty() {
            failpoint::pass("consumer.after-read", &self.spec.stream);
        }
        let mut work = Batch::with_capacity(batch.len());
        for (entry, deliveries) in batch {
            match self.read_event(&entry, deliveries) {
                Ok(Some(received)) => work.push(entry.id, received),
                Ok(None) => self.settlement.acknowledge(&[entry.id]).await?,
                Err(why) => {
                    self.spec.metrics.count("poison", 1);
                    self.bury(&entry, deliveries, "unreadable", None, &why).await?;
                }
            }
        }
        self.handle(work).await
    }

    /// The event in an entry; `None` when it was redriven for another group.
    fn read_event(&self, entry: &Entry, deliveries: u32) -> Result<Option<Received<H::Event>>, String> {
        if entry.fields.as_ref().is_some_and(Fields::is_damaged) {
            return Err("a field is not UTF-8; what could not be read is shown as \u{fffd}".to_owned());
        }
        let envelope = Envelope::from_fields(entry.fields.iter().flat_map(Fields::iter)).map_err(|e| e.to_string())?;
        if envelope.redrive_group.as_ref().is_some_and(|group| *group != self.spec.group) {
            return Ok(None);
        }
        let event = envelope.decode().map_err(|e| e.to_string())?;
        let span = begin_span(&envelope.traceparent);
        Ok(Some(Received { envelope: Arc::new(envelope), event, deliveries, span }))
    }

    /// Handles a batch until nothing in it is transient any more.
    async fn handle(&self, mut batch: Batch<H::Event>) -> Result<(), BrokerError> {
        let mut pause = TRANSIENT_PAUSE.0;
        let handling = Handling::begin(batch.entries.len());
        while !batch.entries.is_empty() {
            let (started, entries, received) = (Instant::now(), Arc::new(batch.entries), batch.received);
            self.memory().in_hand.push(Arc::clone(&entries));
            self.spec.rehearse_panic();
            failpoint::pass("handler.start", &self.spec.stream);
            if seeded_bug::is_alive("ack-before-commit") {
                self.settlement.acknowledge(&entries).await?;
            }
            let outcomes = self.handler.handle(&received).await;
            self.memory().in_hand.retain(|batch| !Arc::ptr_eq(batch, &entries));
            self.spec.metrics.processing.record(started.elapsed());
            debug_assert_eq!(outcomes.len(), entries.len(), "one outcome an event");
            batch = self.settle(&entries, received, outcomes, &handling).await?;
            if batch.entries.is_empty() || self.stopping.get() {
                return Ok(()); // what is left stays pending for the next life
            }
            pending::keep(&self.spec.broker, &self.spec.key, &self.spec.group, &self.spec.consumer, &batch.entries).await?;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(TRANSIENT_PAUSE.1);
        }
        Ok(())
    }

    /// Settles each event by its outcome and returns the transient ones.
    async fn settle(
        &self,
        entries: &[String],
        received: Vec<Received<H::Event>>,
        outcomes: Vec<Outcome>,
        handling: &Handling,
    ) -> Result<Batch<H::Event>, BrokerError> {
        let (mut settled, mut again) = (Vec::with_capacity(entries.len()), Batch::with_capacity(0));
        let (mut duplicates, now) = (0, Timestamp::now());
        for ((entry, received), outcome) in entries.iter().zip(received).zip(outcomes) {
            let event = received.envelope.id;
            handling.record(&self.spec, &received, &outcome);
            match outcome {
                Outcome::Done | Outcome::Duplicate => {
                    duplicates += usize::from(outcome == Outcome::Duplicate);
                    self.spec.metrics.end_to_end.record(age(&received.envelope, now));
                    if received.deliveries > 1 {
                        self.memory().failures.take(entry);
                    }
                    settled.push(entry.as_str());
                }
                Outcome::Transient(why) => {
                    let request_id = received.envelope.request_id.as_deref().unwrap_or_default();
                    tracing::warn!(stream = %self.spec.key, %event, %request_id, %why, "will be handled again");
                    again.push(entry.clone(), received);
                }
                Outcome::Failed(why) => {
                    self.spec.metrics.count("failed", 1);
                    let request_id = received.envelope.request_id.as_deref().unwrap_or_default();
                    tracing::warn!(stream = %self.spec.key, %event, %request_id, deliveries = received.deliveries, %why, "failed; it stays pending");
                    self.memory().failures.record(entry, &why);
                }
                Outcome::Poison(why) => {
                    self.spec.metrics.count("poison", 1);
                    let entry = Entry::of(entry.clone(), &received.envelope);
                    self.bury(&entry, received.deliveries, "rejected", None, &why).await?;
                }
            }
        }
        self.spec.metrics.count("duplicate", duplicates);
        self.spec.metrics.count("done", settled.len() - duplicates);
        if !settled.is_empty() {
            failpoint::pass("consumer.before-ack", &self.spec.stream);
        }
        self.settlement.acknowledge(&settled).await?;
        Ok(again)
    }

    pub(super) async fn bury(
        &self,
        entry: &Entry,
        deliveries: u32,
        reason: &str,
        first: Option<(String, Timestamp)>,
        last_error: &str,
    ) -> Result<(), BrokerError> {
        tracing::error!(stream = %self.spec.key, entry = %entry.id, deliveries, reason, error = last_error, "dead letter");
        let (first_error, first_failed_at) = first.unwrap_or_else(|| (last_error.to_owned(), Timestamp::now()));
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
        self.settlement.bury(&burial).await
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time since the event; 0 when the clocks of two machines disagree.
fn age(envelope: &Envelope, now: Timestamp) -> Duration {
    now.duration_since(envelope.time).try_into().unwrap_or_default()
}
