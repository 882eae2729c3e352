//! Invariants that hold at every moment.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::time::timeout;
use uuid::Uuid;

use events::{INVENTORY_GROUP, PAYMENT_GROUP};

use super::{
    Sources, VerifyError,
    database::Reader,
    streams::{self, EntryId, Keys, Partition, Recent, StreamsState},
};

/// Slower servers count as unreachable.
const SAMPLE_WITHIN: Duration = Duration::from_secs(3);
/// Age of the oldest entries.
const WINDOW: Duration = Duration::from_secs(10);
/// About ten megabytes of a stream. The next sample reads the rest.
const ENTRIES: usize = 10_000;

/// I2: no oversell. I7: acknowledged events had their effect. An unreachable server is no breach.
pub struct Sampler {
    sources: Sources,
    window: Duration,
    connections: Option<Connections>,
    /// By stream key: acknowledged and checked up to here.
    acknowledged: HashMap<String, EntryId>,
    samples: u64,
}

struct Connections {
    redis: MultiplexedConnection,
    inventory: Reader,
    payment: Reader,
}

impl Sampler {
    /// Connects with the first sample.
    #[must_use]
    pub fn new(sources: &Sources) -> Self {
        Self::looking_back(sources, WINDOW)
    }

    /// `window`: longer than the time between two samples.
    pub(super) fn looking_back(sources: &Sources, window: Duration) -> Self {
        let sources = sources.clone();
        Self { sources, window, connections: None, acknowledged: HashMap::new(), samples: 0 }
    }

    /// Returns breaches, each named once.
    pub async fn sample(&mut self) -> Vec<String> {
        let sampled = timeout(SAMPLE_WITHIN, self.take_sample()).await;
        let Ok(Ok(breaches)) = sampled else {
            self.disconnect();
            return Vec::new();
        };
        self.samples += 1;
        breaches
    }

    /// After an error, or an answer that did not come.
    pub(super) fn disconnect(&mut self) {
        self.connections = None;
    }

    /// Samples for which every server answered.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    async fn take_sample(&mut self) -> Result<Vec<String>, VerifyError> {
        let mut breaches = oversold(&self.connected().await?.inventory).await?;
        breaches.extend(self.lost_events().await?.into_iter().map(|lost| format!("I7 {}", lost.text)));
        Ok(breaches)
    }

    /// I7: acknowledged entries whose event had no effect, each named once.
    pub(super) async fn lost_events(&mut self) -> Result<Vec<LostEvent>, VerifyError> {
        let window = self.window;
        self.connected().await?;
        let Some(connections) = &mut self.connections else { return Ok(Vec::new()) };
        let state = recent(&mut connections.redis, window, &self.acknowledged).await?;
        let lost = without_effect(&state, connections).await?;
        for partition in &state.partitions {
            let open = partition.entries.iter().take_while(|entry| partition.is_acknowledged(entry));
            self.acknowledged.extend(open.last().map(|entry| (partition.key.clone(), entry.id)));
        }
        Ok(lost)
    }

    /// The events among `events` that `group` has processed by now.
    pub(super) async fn processed(
        &mut self,
        group: &str,
        events: &[Uuid],
    ) -> Result<HashSet<Uuid>, VerifyError> {
        known(self.connected().await?.database_of(group), group, events).await
    }

    async fn connected(&mut self) -> Result<&Connections, VerifyError> {
        let connections = match self.connections.take() {
            Some(connections) => connections,
            None => Connections::open(&self.sources).await?,
        };
        Ok(self.connections.insert(connections))
    }
}

/// An entry that its group acknowledged without effect.
#[derive(Debug, Clone)]
pub(super) struct LostEvent {
    pub group: &'static str,
    pub event: String,
    pub text: String,
}

impl Connections {
    async fn open(sources: &Sources) -> Result<Self, VerifyError> {
        let (redis, inventory, payment) = tokio::try_join!(
            streams::connect(&sources.redis),
            Reader::connect("inventory", &sources.inventory_database),
            Reader::connect("payment", &sources.payment_database)
        )?;
        Ok(Self { redis, inventory, payment })
    }

    fn database_of(&self, group: &str) -> &Reader {
        if group == INVENTORY_GROUP { &self.inventory } else { &self.payment }
    }
}

async fn oversold(inventory: &Reader) -> Result<Vec<String>, VerifyError> {
    let rows = inventory.rows("SELECT sku, on_hand::bigint FROM products WHERE on_hand < 0", &[]).await?;
    Ok(rows
        .iter()
        .map(|row| format!("I2 {}: {} on hand", row.get::<_, &str>(0), row.get::<_, i64>(1)))
        .collect())
}

/// Limits entries by the clock of Redis, which made their ids.
async fn recent(
    redis: &mut MultiplexedConnection,
    window: Duration,
    acknowledged: &HashMap<String, EntryId>,
) -> Result<StreamsState, VerifyError> {
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(redis).await?;
    let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    let since = EntryId((seconds * 1000).saturating_sub(window), 0);
    let keys = Keys::find(redis).await?;
    Ok(streams::read(redis, &keys, Some(&Recent { since, after: acknowledged, count: ENTRIES })).await?)
}

async fn without_effect(
    state: &StreamsState,
    connections: &Connections,
) -> Result<Vec<LostEvent>, VerifyError> {
    let mut breaches = Vec::new();
    for group in [INVENTORY_GROUP, PAYMENT_GROUP] {
        let entries: Vec<_> =
            state.must_have_had_effect().filter(|(partition, _)| partition.group() == group).collect();
        let ids: Vec<Uuid> = entries.iter().filter_map(|(_, entry)| entry.event.parse().ok()).collect();
        let known = known(connections.database_of(group), group, &ids).await?;
        let lost = entries
            .iter()
            .filter(|(_, entry)| entry.event.parse().map_or(true, |event: Uuid| !known.contains(&event)));
        breaches.extend(lost.map(|(partition, entry)| breach(partition, entry)));
    }
    Ok(breaches)
}

fn breach(partition: &Partition, entry: &streams::Entry) -> LostEvent {
    let key = &partition.key;
    let group = partition.group();
    let text = format!(
        "event {}: entry {} of {key} was acknowledged by {group} without inbox row or dead letter",
        entry.event, entry.id
    );
    LostEvent { group, event: entry.event.clone(), text }
}

async fn known(database: &Reader, group: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>, VerifyError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = database
        .rows("SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2)", &[&group, &ids])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
