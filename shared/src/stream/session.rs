//! One life of a consumer: from its connection to the error that ends it.
//!
//! Order of work: make sure the group exists (at `0`, never `$`: what was published before it is not skipped), handle what
//! this consumer already holds, then new entries; every `claim-interval` look for entries of dead consumers.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::Value;

use super::{
    BrokerError, ConsumerSpec, EventHandler, Outcome, Received,
    dead_letters::Burial,
    entry::{Entry, Fields, id_before},
    pending::{self, PendingEntry},
    processed::Processed,
    reader::Reader,
    settle::{Memory, Settlement},
    spans::Handling,
    trim,
};
use crate::{events::Envelope, failpoint, seeded_bug, telemetry::begin_span};

/// From this many deliveries on an entry is handled alone: whatever is wrong with it must not take others along.
const ALONE_FROM: u32 = 3;
/// Entries that failed are tried again after this pause (and at most once per `claim-interval`).
const RETRY_IDLE: Duration = Duration::from_millis(500);
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

pub(super) struct Session<H: EventHandler> {
    spec: ConsumerSpec,
    handler: H,
    reader: Reader,
    settlement: Settlement,
    memory: Arc<Mutex<Memory>>,
    stopping: Rc<Cell<bool>>,
    last_claim: Option<Instant>,
    last_trim: Instant,
}

impl<H: EventHandler> Session<H> {
    pub(super) async fn open(
        spec: ConsumerSpec,
        handler: H,
        memory: Arc<Mutex<Memory>>,
        stopping: Rc<Cell<bool>>,
    ) -> Result<Self, BrokerError> {
        let reader = spec.broker.reader(spec.settings.block).await?;
        let processed = Processed::new(&spec.group, spec.settings.processed_window);
        let settlement = Settlement { broker: spec.broker.clone(), key: spec.key.clone(), group: spec.group.clone(), processed };
        Ok(Self { spec, handler, reader, settlement, memory, stopping, last_claim: None, last_trim: Instant::now() })
    }

    /// Consumes until it is told to stop, or an error ends it.
    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        self.ensure_group().await?;
        self.redeliver(Duration::ZERO).await?;
        while !self.stopping.get() {
            if let Err(error) = self.step().await {
                if !error.is_group_lost() {
                    return Err(error);
                }
                tracing::warn!(stream = %self.spec.key, group = %self.spec.group, %error, "the group is gone; making it again from the start");
                self.ensure_group().await?;
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<(), BrokerError> {
        if self.last_claim.is_none_or(|last| last.elapsed() >= self.spec.settings.claim_interval) {
            self.last_claim = Some(Instant::now());
            let claimed = self.claim().await?;
            self.redeliver(if claimed { Duration::ZERO } else { RETRY_IDLE }).await?;
            self.trim().await?;
        }
        let fresh = self.read(">", self.spec.settings.batch, Some(self.spec.settings.block)).await?;
        self.process(fresh.into_iter().map(|entry| (entry, 1)).collect()).await
    }

    /// Makes the group, from the start of the stream, and this consumer in it (an idle one would not show otherwise).
    async fn ensure_group(&mut self) -> Result<(), BrokerError> {
        let mut group = redis::cmd("XGROUP");
        let start = if seeded_bug::is_alive("group-at-latest") { "$" } else { "0" };
        group.arg("CREATE").arg(&self.spec.key).arg(&self.spec.group).arg(start).arg("MKSTREAM");
        match self.spec.broker.command::<Value>(group).await {
            Err(BrokerError::Refused(error)) if error.code() == Some("BUSYGROUP") => {}
            other => _ = other?,
        }
        let mut consumer = redis::cmd("XGROUP");
        consumer.arg("CREATECONSUMER").arg(&self.spec.key).arg(&self.spec.group).arg(&self.spec.consumer);
        self.spec.broker.command::<Value>(consumer).await.map(drop)
    }

    /// Reads new entries (`>`), or this consumer's pending ones after an id.
    async fn read(&mut self, from: &str, count: usize, block: Option<Duration>) -> Result<Vec<Entry>, BrokerError> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.spec.group).arg(&self.spec.consumer).arg("COUNT").arg(count);
        if let Some(block) = block {
            command.arg("BLOCK").arg(u64::try_from(block.as_millis()).unwrap_or(u64::MAX));
        }
        command.arg("STREAMS").arg(&self.spec.key).arg(from);
        self.reader.read(&command).await
    }

    /// Takes over what any consumer has held for longer than `claim-idle`; whether there was something.
    async fn claim(&mut self) -> Result<bool, BrokerError> {
        let idle = millis(self.spec.settings.claim_idle);
        let (mut cursor, mut found) = ("0-0".to_owned(), false);
        loop {
            let claimed = pending::claim(
                &self.spec.broker,
                &self.spec.key,
                &self.spec.group,
                &self.spec.consumer,
                idle,
                &cursor,
                self.spec.settings.batch,
            )
            .await?;
            if !claimed.ids.is_empty() {
                found = true;
                tracing::info!(stream = %self.spec.key, consumer = %self.spec.consumer, entries = claimed.ids.len(), "claimed from idle consumers");
                self.spec.metrics.count_reclaimed(claimed.ids.len());
            }
            if !claimed.deleted.is_empty() {
                tracing::error!(stream = %self.spec.key, entries = ?claimed.deleted, "pending entries are gone from the stream; the outbox will publish them again");
                self.spec.metrics.deleted_pending.increment(claimed.deleted.len() as u64);
            }
            if claimed.next == "0-0" {
                return Ok(found);
            }
            cursor = claimed.next;
        }
    }

    /// Handles what this consumer holds and nobody has touched for `idle`: own entries of an earlier life, claimed ones, failed ones.
    async fn redeliver(&mut self, idle: Duration) -> Result<(), BrokerError> {
        let mut from = String::new();
        while !self.stopping.get() {
            let held = pending::held(
                &self.spec.broker,
                &self.spec.key,
                &self.spec.group,
                &self.spec.consumer,
                millis(idle),
                &from,
                self.spec.settings.batch,
            )
            .await?;
            let Some(last) = held.last() else { return Ok(()) };
            from.clone_from(&last.id);
            let (alone, together): (Vec<_>, Vec<_>) = held.into_iter().partition(|entry| entry.deliveries >= ALONE_FROM - 1);
            self.redeliver_together(together).await?;
            for entry in alone {
                self.redeliver_alone(entry).await?;
            }
        }
        Ok(())
    }

    async fn redeliver_together(&mut self, held: Vec<PendingEntry>) -> Result<(), BrokerError> {
        let batch = self.reread(&held).await?;
        let batch = self.skip_processed(batch).await?;
        self.process(batch).await
    }

    async fn redeliver_alone(&mut self, held: PendingEntry) -> Result<(), BrokerError> {
        let Some((entry, deliveries)) = self.reread(std::slice::from_ref(&held)).await?.pop() else { return Ok(()) };
        if held.deliveries < self.spec.settings.delivery_limit {
            return self.process(vec![(entry, deliveries)]).await;
        }
        let silent = || "it was delivered and never settled: its consumer ended each time".to_owned();
        let failure = self.memory().failures.take(&entry.id);
        let last = failure.as_ref().map_or_else(silent, |failure| failure.last_error.clone());
        self.bury(&entry, held.deliveries, "delivery-limit", failure.map(|f| (f.first_error, f.first_at)), &last).await
    }

    /// Reads pending entries again; each reading counts as a delivery of every entry between the first and the last of `held`.
    async fn reread(&mut self, held: &[PendingEntry]) -> Result<Vec<(Entry, u32)>, BrokerError> {
        let Some(first) = held.first() else { return Ok(Vec::new()) };
        let found = self.read(&id_before(&first.id), held.len(), None).await?;
        let (mut batch, mut gone) = (Vec::with_capacity(found.len()), Vec::new());
        for entry in found {
            match held.iter().find(|h| h.id == entry.id) {
                Some(_) if entry.fields.is_none() => gone.push(entry.id),
                Some(h) => batch.push((entry, h.deliveries + 1)),
                None => {}
            }
        }
        if !gone.is_empty() {
            tracing::error!(stream = %self.spec.key, entries = ?gone, "pending entries are gone from the stream; the outbox will publish them again");
            self.spec.metrics.deleted_pending.increment(gone.len() as u64);
            self.settlement.acknowledge(&gone, &[]).await?;
        }
        Ok(batch)
    }

    /// Acknowledges redelivered entries the Redis set knows as processed; the others go on.
    async fn skip_processed(&mut self, batch: Vec<(Entry, u32)>) -> Result<Vec<(Entry, u32)>, BrokerError> {
        let ids: Vec<String> = batch
            .iter()
            .map(|(entry, _)| entry.fields.as_ref().and_then(|fields| fields.get("id")).unwrap_or_default().to_owned())
            .collect();
        if ids.is_empty() {
            return Ok(batch);
        }
        let known = self.settlement.processed.known(&self.spec.broker, &ids).await?;
        let (mut rest, mut done) = (Vec::new(), Vec::new());
        for (item, known) in batch.into_iter().zip(known) {
            if known { done.push(item.0.id) } else { rest.push(item) }
        }
        self.spec.metrics.count("duplicate", done.len());
        self.settlement.acknowledge(&done, &[]).await?;
        Ok(rest)
    }

    async fn process(&mut self, batch: Vec<(Entry, u32)>) -> Result<(), BrokerError> {
        if !batch.is_empty() {
            failpoint::pass("consumer.after-read", &self.spec.stream);
        }
        let mut work = Batch::with_capacity(batch.len());
        for (entry, deliveries) in batch {
            match self.read_event(&entry, deliveries) {
                Ok(Some(received)) => work.push(entry.id, received),
                Ok(None) => self.settlement.acknowledge(&[entry.id], &[]).await?,
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
        let envelope = Envelope::from_fields(entry.fields.iter().flat_map(Fields::iter)).map_err(|e| e.to_string())?;
        if envelope.redrive_group.as_ref().is_some_and(|group| *group != self.spec.group) {
            return Ok(None);
        }
        let event = envelope.decode().map_err(|e| e.to_string())?;
        let span = begin_span(&envelope.traceparent);
        Ok(Some(Received { envelope, event, deliveries, span }))
    }

    /// Handles a batch until nothing in it is transient any more.
    async fn handle(&mut self, mut batch: Batch<H::Event>) -> Result<(), BrokerError> {
        let mut pause = TRANSIENT_PAUSE.0;
        let handling = Handling::begin(batch.entries.len());
        while !batch.entries.is_empty() {
            let started = Instant::now();
            self.memory().in_hand.clone_from(&batch.entries);
            self.spec.rehearse_panic();
            failpoint::pass("handler.start", &self.spec.stream);
            if seeded_bug::is_alive("ack-before-commit") {
                self.settlement.acknowledge(&batch.entries, &[]).await?;
            }
            let outcomes = self.handler.handle(&batch.received).await;
            self.memory().in_hand.clear();
            self.spec.metrics.processing.record(started.elapsed());
            debug_assert_eq!(outcomes.len(), batch.entries.len(), "one outcome an event");
            batch = self.settle(batch, outcomes, &handling).await?;
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
        &mut self,
        batch: Batch<H::Event>,
        outcomes: Vec<Outcome>,
        handling: &Handling,
    ) -> Result<Batch<H::Event>, BrokerError> {
        let (mut entries, mut events, mut again) = (Vec::new(), Vec::new(), Batch::with_capacity(0));
        let mut duplicates = 0;
        for ((entry, received), outcome) in batch.entries.into_iter().zip(batch.received).zip(outcomes) {
            let event = received.envelope.id;
            handling.record(&self.spec, &received, &outcome);
            match outcome {
                Outcome::Done | Outcome::Duplicate => {
                    duplicates += usize::from(outcome == Outcome::Duplicate);
                    self.spec.metrics.end_to_end.record(age(&received.envelope));
                    if received.deliveries > 1 {
                        self.memory().failures.take(&entry);
                    }
                    entries.push(entry);
                    events.push(event.to_string());
                }
                Outcome::Transient(why) => {
                    let request_id = received.envelope.request_id.as_deref().unwrap_or_default();
                    tracing::warn!(stream = %self.spec.key, %event, %request_id, %why, "will be handled again");
                    again.push(entry, received);
                }
                Outcome::Failed(why) => {
                    self.spec.metrics.count("failed", 1);
                    let request_id = received.envelope.request_id.as_deref().unwrap_or_default();
                    tracing::warn!(stream = %self.spec.key, %event, %request_id, deliveries = received.deliveries, %why, "failed; it stays pending");
                    self.memory().failures.record(&entry, &why);
                }
                Outcome::Poison(why) => {
                    self.spec.metrics.count("poison", 1);
                    let entry = Entry::of(entry, &received.envelope);
                    self.bury(&entry, received.deliveries, "rejected", None, &why).await?;
                }
            }
        }
        self.spec.metrics.count("duplicate", duplicates);
        self.spec.metrics.count("done", entries.len() - duplicates);
        if !entries.is_empty() {
            failpoint::pass("consumer.before-ack", &self.spec.stream);
        }
        self.settlement.acknowledge(&entries, &events).await?;
        Ok(again)
    }

    async fn bury(
        &mut self,
        entry: &Entry,
        deliveries: u32,
        reason: &str,
        first: Option<(String, jiff::Timestamp)>,
        last_error: &str,
    ) -> Result<(), BrokerError> {
        tracing::error!(stream = %self.spec.key, entry = %entry.id, deliveries, reason, error = last_error, "dead letter");
        let (first_error, first_failed_at) = first.unwrap_or_else(|| (last_error.to_owned(), jiff::Timestamp::now()));
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

    async fn trim(&mut self) -> Result<(), BrokerError> {
        if self.last_trim.elapsed() < trim::INTERVAL.min(self.spec.settings.retention) {
            return Ok(());
        }
        self.last_trim = Instant::now();
        trim::trim(&self.spec.broker, &self.spec.key, self.spec.settings.retention).await
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time since the event; 0 when the clocks of two machines disagree.
fn age(envelope: &Envelope) -> Duration {
    jiff::Timestamp::now().duration_since(envelope.time).try_into().unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
