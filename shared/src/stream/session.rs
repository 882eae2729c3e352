//! One life of a consumer: from its connection to the error that ends it.
//!
//! Order of work: make sure the group exists (at `0`, never `$`: what was published before it is not skipped), handle what
//! this consumer already holds, then new entries; every `claim-interval` look for entries of dead consumers.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use redis::Value;

use super::{
    BrokerError, ConsumerSpec, EventHandler,
    entry::{Entry, id_before},
    pending::{self, PendingEntry},
    processing::Processing,
    reader::Reader,
    settle::{Memory, Settlement},
    trim,
};
use crate::seeded_bug;

/// From this many deliveries on an entry is handled alone: whatever is wrong with it must not take others along.
const ALONE_FROM: u32 = 3;
/// Entries that failed are tried again after this pause (and at most once per `claim-interval`).
const RETRY_IDLE: Duration = Duration::from_millis(500);
/// Full batches that are in hand at the same time: a backlog is worked off while it is read, and acknowledged while the next is handled.
/// With four PostgreSQL, Redis and two threads were idle a quarter of the time.
const BATCHES: usize = 8;

pub(super) struct Session<H: EventHandler> {
    spec: ConsumerSpec,
    processing: Processing<H>,
    reader: Reader,
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
        let settlement = Settlement { broker: spec.broker.clone(), key: spec.key.clone(), group: spec.group.clone() };
        let processing = Processing { spec: spec.clone(), handler, settlement, memory, stopping: Rc::clone(&stopping) };
        processing.memory().in_hand.clear(); // of a life that was ended in the middle of it
        Ok(Self { spec, processing, reader, stopping, last_claim: None, last_trim: Instant::now() })
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
        let fresh = self.reader.read(&self.reading(">", self.spec.settings.batch, Some(self.spec.settings.block))).await?;
        self.work_off(fresh).await
    }

    /// Processes a batch. A full one has more behind it: that is read, and processed too, while this one is in hand.
    async fn work_off(&mut self, mut fresh: Vec<Entry>) -> Result<(), BrokerError> {
        let (full, more) = (self.spec.settings.batch, self.reading(">", self.spec.settings.batch, None));
        let began = Instant::now();
        let mut in_hand = InHand { batches: FuturesUnordered::new(), outcome: Ok(()) };
        loop {
            let is_last = fresh.len() < full || self.stopping.get() || began.elapsed() >= self.spec.settings.claim_interval;
            let batch = fresh.into_iter().map(|entry| (entry, 1)).collect();
            in_hand.batches.push(Box::pin(self.processing.process(batch)));
            if !is_last {
                in_hand.make_room().await;
            }
            if is_last || in_hand.outcome.is_err() {
                return in_hand.end_all().await;
            }
            match in_hand.beside(self.reader.read(&more)).await {
                Ok(batch) => fresh = batch,
                Err(error) => {
                    in_hand.outcome = in_hand.outcome.and(Err(error));
                    return in_hand.end_all().await;
                }
            }
        }
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

    /// Asks for new entries (`>`), or this consumer's pending ones after an id.
    fn reading(&self, from: &str, count: usize, block: Option<Duration>) -> redis::Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.spec.group).arg(&self.spec.consumer).arg("COUNT").arg(count);
        if let Some(block) = block {
            command.arg("BLOCK").arg(u64::try_from(block.as_millis()).unwrap_or(u64::MAX));
        }
        command.arg("STREAMS").arg(&self.spec.key).arg(from);
        command
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
        self.processing.process(batch).await
    }

    async fn redeliver_alone(&mut self, held: PendingEntry) -> Result<(), BrokerError> {
        let Some((entry, deliveries)) = self.reread(std::slice::from_ref(&held)).await?.pop() else { return Ok(()) };
        if held.deliveries < self.spec.settings.delivery_limit {
            return self.processing.process(vec![(entry, deliveries)]).await;
        }
        let silent = || "it was delivered and never settled: its consumer ended each time".to_owned();
        let failure = self.processing.memory().failures.take(&entry.id);
        let last = failure.as_ref().map_or_else(silent, |failure| failure.last_error.clone());
        self.processing.bury(&entry, held.deliveries, "delivery-limit", failure.map(|f| (f.first_error, f.first_at)), &last).await
    }

    /// Reads pending entries again; each reading counts as a delivery of every entry between the first and the last of `held`.
    async fn reread(&mut self, held: &[PendingEntry]) -> Result<Vec<(Entry, u32)>, BrokerError> {
        let Some(first) = held.first() else { return Ok(Vec::new()) };
        let found = self.reader.read(&self.reading(&id_before(&first.id), held.len(), None)).await?;
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
            self.processing.settlement.acknowledge(&gone).await?;
        }
        Ok(batch)
    }

    async fn trim(&mut self) -> Result<(), BrokerError> {
        if self.last_trim.elapsed() < trim::INTERVAL.min(self.spec.settings.retention) {
            return Ok(());
        }
        self.last_trim = Instant::now();
        trim::trim(&self.spec.broker, &self.spec.key, self.spec.settings.retention).await
    }
}

/// Batches that are being processed at the same time.
struct InHand<'a> {
    batches: FuturesUnordered<LocalBoxFuture<'a, Result<(), BrokerError>>>,
    /// The first error of one of them, or of a read beside them.
    outcome: Result<(), BrokerError>,
}

impl InHand<'_> {
    /// Until one more has ended.
    async fn end_one(&mut self) {
        if let Some(Err(error)) = self.batches.next().await {
            self.outcome = std::mem::replace(&mut self.outcome, Ok(())).and(Err(error));
        }
    }

    /// Until one more can be taken in hand.
    async fn make_room(&mut self) {
        while self.batches.len() >= BATCHES {
            self.end_one().await;
        }
    }

    /// Goes on with them until `read` has its answer.
    async fn beside<T>(&mut self, read: impl Future<Output = T>) -> T {
        let mut read = pin!(read);
        loop {
            tokio::select! {
                answer = &mut read => return answer,
                () = self.end_one(), if !self.batches.is_empty() => {}
            }
        }
    }

    async fn end_all(mut self) -> Result<(), BrokerError> {
        while !self.batches.is_empty() {
            self.end_one().await;
        }
        self.outcome
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
