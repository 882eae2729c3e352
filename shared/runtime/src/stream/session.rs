//! One life of a consumer, from connecting to the error that ends it.
//!
//! ```text
//!   every claim-interval: claim, own pending entries ─┐
//!   entries whose wait is over ───────────────────────┼─> in flight ─> handler ─> acknowledged | retried later
//!   new entries, as many as there is room for ────────┘   (kept alive)
//! ```
//!
//! At most [`BATCHES`] full batches per stream and process are in flight or awaiting retry.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::Value;

use super::{
    BrokerError, ConsumerSpec, EventHandler,
    batches_in_flight::BatchesInFlight,
    consumer_group::ConsumerGroup,
    consumer_state::ConsumerState,
    entry::Entry,
    pending::{Holder, Owner, PendingEntry},
    processing::Processing,
    reader::Reader,
    trim,
};
use crate::recovery::{self, Recovery};

/// Delivery number from which an entry is handled alone.
const ALONE_FROM: u32 = 3;
/// With four, PostgreSQL, Redis and two threads were idle a quarter of the time.
const BATCHES: usize = 8;
/// Longest wait for batches in flight: twice the longest wait of a commit.
const SLOW: Duration = Duration::from_millis(100);
/// Keep-alives per `claim-idle`; one may fail.
const KEPT_ALIVE: u32 = 4;
/// Periods of `claim-idle` after which another instance may claim an entry awaiting retry.
const PATIENCE: u32 = 3;
const KEEP_TOGETHER: usize = 1000;

pub(super) struct Session<H: EventHandler> {
    spec: ConsumerSpec,
    holder: Holder,
    processing: Rc<Processing<H>>,
    reader: Reader,
    stopping: Rc<Cell<bool>>,
    in_flight: BatchesInFlight,
    last_look: Option<Instant>,
}

impl<H: EventHandler> Session<H> {
    pub(super) async fn open(
        spec: ConsumerSpec,
        handler: H,
        state: Arc<Mutex<ConsumerState>>,
        stopping: Rc<Cell<bool>>,
    ) -> Result<Self, BrokerError> {
        let reader = spec.broker.reader(spec.settings.block).await?;
        let consumer_group =
            ConsumerGroup { broker: spec.broker.clone(), key: spec.key.clone(), group: spec.group.clone() };
        let holder =
            Holder { key: spec.key.clone(), group: spec.group.clone(), consumer: spec.consumer.clone() };
        let processing = Rc::new(Processing {
            spec: spec.clone(),
            handler,
            consumer_group,
            holder: holder.clone(),
            state,
        });
        processing.state().begin_life();
        Ok(Self {
            spec,
            holder,
            processing,
            reader,
            stopping,
            in_flight: BatchesInFlight::default(),
            last_look: None,
        })
    }

    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        let keeping = keep_alive(self.spec.clone(), self.holder.clone(), Arc::clone(&self.processing.state));
        tokio::select! {
            ended = self.consume() => ended,
            never = keeping => match never {},
        }
    }

    async fn consume(&mut self) -> Result<(), BrokerError> {
        let mut consumed = Ok(());
        while !self.stopping.get() && consumed.is_ok() {
            consumed = match self.step().await {
                Err(error) if error.is_group_lost() => self.make_group(&error).await,
                result => result,
            };
        }
        consumed.and(self.in_flight.end_all().await)
    }

    async fn step(&mut self) -> Result<(), BrokerError> {
        if self.last_look.is_none_or(|last| last.elapsed() >= self.spec.settings.claim_interval) {
            let claimed = self.claim().await?;
            if self.last_look.is_none() {
                self.announce().await;
            }
            // Other entries become idle only after a lost read response.
            let is_news = claimed || self.last_look.is_none();
            self.redeliver_held(if is_news { Duration::ZERO } else { self.spec.settings.claim_idle / 2 })
                .await?;
            trim::trim(&self.spec).await?;
            self.last_look = Some(Instant::now());
        }
        self.retry_due().await?;
        match self.room() {
            0 => self.in_flight.end_one_within(SLOW).await,
            room => self.read_new(room.min(self.spec.settings.batch)).await,
        }
    }

    /// Shows an idle consumer in the group. A full Redis refuses the command, hence errors are ignored.
    async fn announce(&self) {
        let mut consumer = redis::cmd("XGROUP");
        consumer.arg("CREATECONSUMER").arg(&self.spec.key).arg(&self.spec.group).arg(&self.spec.consumer);
        if let Err(error) = self.spec.broker.command::<Value>(consumer).await {
            tracing::debug!(stream = %self.spec.key, %error, "this consumer shows once it has read something");
        }
    }

    fn room(&self) -> usize {
        let budget =
            (BATCHES * self.spec.settings.batch / usize::from(self.spec.settings.partitions.max(1))).max(1);
        budget.saturating_sub(self.processing.state().held())
    }

    async fn read_new(&mut self, count: usize) -> Result<(), BrokerError> {
        let command = self.reading(count, self.longest_block());
        let fresh = self.in_flight.beside(self.reader.read(&command)).await?;
        let is_full = fresh.len() == count;
        self.begin(fresh.into_iter().map(|entry| (entry, 1)).collect());
        if is_full { self.in_flight.outcome() } else { self.in_flight.end_all_within(SLOW).await }
    }

    /// Up to the next due retry.
    fn longest_block(&self) -> Duration {
        let due = self
            .processing
            .state()
            .retries
            .next_due()
            .map(|due| due.saturating_duration_since(Instant::now()));
        due.unwrap_or(self.spec.settings.block).clamp(Duration::from_millis(1), self.spec.settings.block)
    }

    fn begin(&mut self, batch: Vec<(Entry, u32)>) {
        if batch.is_empty() {
            return;
        }
        let (processing, taken) = (Rc::clone(&self.processing), self.processing.take(batch));
        self.in_flight.add(async move { processing.process(taken).await });
    }

    async fn make_group(&mut self, lost: &BrokerError) -> Result<(), BrokerError> {
        tracing::warn!(stream = %self.spec.key, group = %self.spec.group, error = %lost, "there is no such group; making it from the start");
        let mut group = redis::cmd("XGROUP");
        group.arg("CREATE").arg(&self.spec.key).arg(&self.spec.group).arg("0").arg("MKSTREAM");
        match self.spec.broker.command::<Value>(group).await {
            Err(error) if error.has_code(&["BUSYGROUP"]) => Ok(()), // another instance was faster
            made => {
                let (stream, group) = (self.spec.key.clone(), self.spec.group.clone());
                made.map(|_| recovery::record(Recovery::GroupCreated { stream, group }))
            }
        }
    }

    fn reading(&self, count: usize, block: Duration) -> redis::Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.spec.group).arg(&self.spec.consumer).arg("COUNT").arg(count);
        command.arg("BLOCK").arg(millis(block)).arg("STREAMS").arg(&self.spec.key).arg(">");
        command
    }

    /// Tells whether any entry was new to this consumer.
    async fn claim(&mut self) -> Result<bool, BrokerError> {
        let mut cursor = "0-0".to_owned();
        let mut found = false;
        let idle = millis(self.spec.settings.claim_idle);
        let owners = self.holder.idle_of_others(&self.spec.broker, idle).await?;
        loop {
            let claimed =
                self.holder.claim(&self.spec.broker, idle, &cursor, self.spec.settings.batch).await?;
            let foreign: Vec<&String> = {
                let state = self.processing.state();
                let known = state.known();
                claimed.ids.iter().filter(|id| !known.contains(id.as_str())).collect()
            };
            if !foreign.is_empty() {
                found = true;
                self.report_claimed(&foreign, &owners);
            }
            self.report_gone(&claimed.deleted);
            if claimed.next == "0-0" {
                return Ok(found);
            }
            cursor = claimed.next;
        }
    }

    fn report_claimed(&self, ids: &[&String], owners: &HashMap<String, Owner>) {
        let (stream, consumer) = (&self.spec.key, &self.spec.consumer);
        let entries = ids.len();
        tracing::info!(%stream, %consumer, entries, "claimed from idle consumers");
        self.spec.metrics.count_reclaimed(entries);
        let mut by_owner: BTreeMap<Option<&str>, (usize, f64)> = BTreeMap::new();
        for owner in ids.iter().map(|id| owners.get(*id)) {
            let (entries, idle) = by_owner.entry(owner.map(|owner| owner.consumer.as_str())).or_default();
            *entries += 1;
            *idle = idle.max(owner.map_or(0.0, |owner| owner.idle.as_secs_f64()));
        }
        for (from, (entries, idle_seconds)) in by_owner {
            recovery::record(Recovery::EntriesClaimed {
                stream: stream.clone(),
                consumer: consumer.clone(),
                from: from.map(str::to_owned),
                entries,
                idle_seconds,
            });
        }
    }

    /// Redelivers entries of an earlier life, and claimed ones.
    async fn redeliver_held(&mut self, idle: Duration) -> Result<(), BrokerError> {
        let mut from = String::new();
        while !self.stopping.get() {
            let held =
                self.holder.held(&self.spec.broker, millis(idle), &from, self.spec.settings.batch).await?;
            let Some(last) = held.last() else { return Ok(()) };
            from.clone_from(&last.id);
            let unknown: Vec<PendingEntry> = {
                let state = self.processing.state();
                let known = state.known();
                held.into_iter().filter(|entry| !known.contains(entry.id.as_str())).collect()
            };
            if unknown.len() > self.room() {
                self.in_flight.end_all_within(SLOW).await?;
                if unknown.len() > self.room() {
                    return Ok(()); // the next claim interval finds them again
                }
            }
            self.redeliver(unknown).await?;
        }
        Ok(())
    }

    async fn retry_due(&mut self) -> Result<(), BrokerError> {
        let due = self.processing.state().retries.due(Instant::now());
        for part in due.chunks(self.spec.settings.batch) {
            let held = self.holder.among(&self.spec.broker, part).await?;
            {
                // Drops entries acknowledged or claimed meanwhile.
                let mut state = self.processing.state();
                part.iter()
                    .filter(|id| !held.iter().any(|entry| entry.id == **id))
                    .for_each(|id| state.retries.forget(id));
            }
            self.redeliver(held).await?;
        }
        Ok(())
    }

    async fn redeliver(&mut self, held: Vec<PendingEntry>) -> Result<(), BrokerError> {
        let mut together = Vec::new();
        let mut apart = Vec::new();
        let mut alone = Vec::new();
        for entry in held {
            match entry.deliveries {
                count if count >= self.spec.settings.delivery_limit => self.give_up(entry).await?,
                count if count < ALONE_FROM - 1 => together.push(entry),
                _ if self.processing.state().failures.is_suspect(&entry.id) => alone.push(entry),
                _ => apart.push(vec![entry]),
            }
        }
        for batch in std::iter::once(together).chain(apart) {
            let batch = self.deliver_again(&batch).await?;
            self.begin(batch);
        }
        for entry in alone {
            self.in_flight.end_all().await?;
            let batch = self.deliver_again(&[entry]).await?;
            self.begin(batch);
            self.in_flight.end_all().await?;
        }
        Ok(())
    }

    async fn give_up(&mut self, held: PendingEntry) -> Result<(), BrokerError> {
        let Some((entry, _)) = self.deliver_again(std::slice::from_ref(&held)).await?.pop() else {
            return Ok(());
        };
        let silent = || "it was delivered and never acknowledged: its consumer ended each time".to_owned();
        let failure = {
            let mut state = self.processing.state();
            state.retries.forget(&entry.id);
            state.failures.take(&entry.id)
        };
        let last = failure.as_ref().map_or_else(silent, |failure| failure.last_error.clone());
        self.processing
            .bury(
                &entry,
                held.deliveries,
                "delivery-limit",
                failure.map(|f| (f.first_error, f.first_at)),
                &last,
            )
            .await
    }

    async fn deliver_again(&mut self, held: &[PendingEntry]) -> Result<Vec<(Entry, u32)>, BrokerError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = held.iter().map(|entry| entry.id.clone()).collect();
        let delivered = self.holder.deliver_again(&self.spec.broker, &ids).await?;
        let missing: Vec<String> =
            ids.into_iter().filter(|id| !delivered.iter().any(|entry| entry.id == *id)).collect();
        if !missing.is_empty() {
            // An entry still in the stream was acknowledged just now.
            let there = self.holder.there(&self.spec.broker, &missing).await?;
            let gone: Vec<String> =
                missing.into_iter().zip(there).filter(|(_, there)| !there).map(|(id, _)| id).collect();
            self.report_gone(&gone);
        }
        let deliveries =
            |id: &str| held.iter().find(|entry| entry.id == id).map_or(1, |entry| entry.deliveries + 1);
        Ok(delivered
            .into_iter()
            .map(|entry| (deliveries(&entry.id), entry))
            .map(|(count, entry)| (entry, count))
            .collect())
    }

    fn report_gone(&self, entries: &[String]) {
        if entries.is_empty() {
            return;
        }
        tracing::error!(stream = %self.spec.key, ?entries, "pending entries are gone from the stream; the outbox will publish them again");
        self.spec.metrics.deleted_pending.increment(entries.len() as u64);
        let mut state = self.processing.state();
        entries.iter().for_each(|entry| state.retries.forget(entry));
    }
}

async fn keep_alive(
    spec: ConsumerSpec,
    holder: Holder,
    state: Arc<Mutex<ConsumerState>>,
) -> std::convert::Infallible {
    let every = spec.settings.claim_idle / KEPT_ALIVE;
    loop {
        tokio::time::sleep(every).await;
        let ids: Vec<String> = {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = state.retries.younger_than(spec.settings.claim_idle * PATIENCE, Instant::now());
            state.in_flight.iter().flat_map(|batch| batch.iter()).chain(waiting).cloned().collect()
        };
        for part in ids.chunks(KEEP_TOGETHER) {
            if let Err(error) = holder.keep(&spec.broker, part).await {
                tracing::debug!(stream = %spec.key, %error, "entries in hand are not kept alive");
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
