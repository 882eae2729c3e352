//! What Redis knows: groups, what they hold, entries, dead letters.
//!
//! Groups, their pending entries and the dead letters are read in one MULTI, so that an acknowledged entry is
//! not mistaken for one on its way. Entries never change, and are read page by page.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    time::Duration,
};

use events::{Event, OrderCompleted, ProductChanged, RefundOrder, StockReserved};
use redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, RedisError, Value,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamInfoGroupsReply, StreamPendingCountReply, StreamRangeReply},
};

use super::VerifyError;

/// The group of inventory, as its inbox knows it.
pub(super) const INVENTORY: &str = "inventory-group";
/// The group of payment.
pub(super) const PAYMENT: &str = "payment-group";

/// Who reads which stream.
const GROUPS: [(&str, &str); 4] = [
    (OrderCompleted::STREAM, INVENTORY),
    (StockReserved::STREAM, PAYMENT),
    (RefundOrder::STREAM, PAYMENT),
    (ProductChanged::STREAM, PAYMENT),
];

const CONNECT: Duration = Duration::from_secs(5);
/// Redis answers in microseconds; a page of a thousand entries over a slow network still within this.
const ANSWER: Duration = Duration::from_secs(20);
/// Entries of one XRANGE: about a megabyte.
const PAGE: usize = 1000;
/// More than can be pending: XPENDING wants a number.
const ALL_PENDING: u32 = 100_000_000;

/// The id of an entry, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct EntryId(pub u64, pub u64);

impl EntryId {
    fn parse(text: &str) -> Self {
        let (time, sequence) = text.split_once('-').unwrap_or((text, "0"));
        Self(time.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// What counts of an entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub id: EntryId,
    /// Its event id; the entry id when it has none, as dead letters call it too.
    pub event: String,
    redrive_group: Option<String>,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub(super) struct DeadLetter {
    /// As `shopctl dead-letters list` shows it.
    pub id: String,
    pub group: String,
    pub event: String,
    pub reason: String,
    /// Microseconds since 1970.
    pub at: i64,
}

/// One stream key, as the group that reads it stands.
#[derive(Debug, Clone)]
pub(super) struct Partition {
    pub key: String,
    group: &'static str,
    /// `None`: the group does not exist.
    state: Option<GroupState>,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, Default)]
struct GroupState {
    last_delivered: EntryId,
    pending: HashSet<EntryId>,
}

impl Partition {
    pub(super) fn group(&self) -> &'static str {
        self.group
    }

    /// Read by the group, and not pending.
    pub(super) fn is_acknowledged(&self, entry: &Entry) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| entry.id <= state.last_delivered && !state.pending.contains(&entry.id))
    }

    fn is_for_another_group(&self, entry: &Entry) -> bool {
        entry.redrive_group.as_ref().is_some_and(|group| group != self.group)
    }
}

/// Everything that was seen at one time.
#[derive(Debug, Default)]
pub(super) struct StreamsState {
    pub partitions: Vec<Partition>,
    pub dead: Vec<DeadLetter>,
}

impl StreamsState {
    pub(super) fn entries(&self) -> usize {
        self.partitions.iter().map(|partition| partition.entries.len()).sum()
    }

    /// Entries whose event must have had its effect on their group: acknowledged, not a dead letter, and not
    /// on its way once more (published again or redriven).
    pub(super) fn must_have_had_effect(&self) -> impl Iterator<Item = (&Partition, &Entry)> {
        let mut excused: HashSet<(&str, &str)> =
            self.dead.iter().map(|letter| (letter.group.as_str(), letter.event.as_str())).collect();
        let all = || {
            self.partitions
                .iter()
                .flat_map(|partition| partition.entries.iter().map(move |entry| (partition, entry)))
        };
        excused.extend(
            all()
                .filter(|(partition, entry)| !partition.is_acknowledged(entry))
                .map(|(partition, entry)| (partition.group, &*entry.event)),
        );
        all().filter(move |(partition, entry)| {
            partition.is_acknowledged(entry)
                && !partition.is_for_another_group(entry)
                && !excused.contains(&(partition.group, &*entry.event))
        })
    }
}

/// A connection that waits neither long nor for ever.
pub(super) async fn connect(url: &str) -> Result<MultiplexedConnection, VerifyError> {
    let address =
        |error: RedisError| VerifyError::Address { what: "Redis".to_owned(), reason: error.to_string() };
    let client = redis::Client::open(url).map_err(address)?;
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
    let unreachable = |error: RedisError| VerifyError::Unreachable {
        what: "Redis".to_owned(),
        address: client.get_connection_info().addr().to_string(),
        reason: error.to_string(),
    };
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(unreachable)
}

/// All streams with all their entries, and all dead letters.
pub(super) async fn read_all(url: &str) -> Result<StreamsState, VerifyError> {
    let mut redis = connect(url).await?;
    let keys = Keys::find(&mut redis).await?;
    let mut state = read(&mut redis, &keys, None).await?;
    for partition in &mut state.partitions {
        partition.entries = all_entries(&mut redis, &partition.key).await?;
    }
    Ok(state)
}

/// The keys there are, of streams we know; and where their dead letters are or will be.
#[derive(Debug, Default)]
pub(super) struct Keys {
    streams: Vec<(String, &'static str)>,
    dead: BTreeSet<String>,
}

impl Keys {
    pub(super) async fn find(redis: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let (mut cursor, mut found) = (0_u64, BTreeSet::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("COUNT").arg(PAGE).arg("TYPE").arg("stream");
            let (next, keys): (u64, Vec<String>) = scan.query_async(redis).await?;
            found.extend(keys);
            if next == 0 {
                return Ok(Self::sort(found));
            }
            cursor = next;
        }
    }

    fn sort(found: BTreeSet<String>) -> Self {
        // Also where there is none yet: the first dead letter of a stream may come between this search and
        // the look.
        let dead = GROUPS.into_iter().map(|(stream, _)| format!("{stream}.dead")).collect();
        let mut keys = Self { dead, ..Self::default() };
        for key in found {
            if key.ends_with(".dead") {
                keys.dead.insert(key);
            } else if let Some((_, group)) =
                GROUPS.into_iter().find(|(stream, _)| is_partition_of(&key, stream))
            {
                keys.streams.push((key, group));
            }
        }
        keys
    }

    /// Streams of which there is not a single key.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'static str> {
        let there = |stream: &str| self.streams.iter().any(|(key, _)| is_partition_of(key, stream));
        GROUPS.into_iter().map(|(stream, _)| stream).filter(move |stream| !there(stream))
    }
}

/// `order_completed`, `order_completed.0`
fn is_partition_of(key: &str, stream: &str) -> bool {
    let Some(rest) = key.strip_prefix(stream) else { return false };
    rest.is_empty()
        || rest
            .strip_prefix('.')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Which entries to look at.
#[derive(Debug)]
pub(super) struct Recent<'a> {
    /// Not older than this.
    pub since: EntryId,
    /// By stream key: after this one.
    pub after: &'a HashMap<String, EntryId>,
    /// Of each stream at most.
    pub count: usize,
}

impl Recent<'_> {
    fn from(&self, key: &str) -> EntryId {
        self.after
            .get(key)
            .map_or(self.since, |after| self.since.max(EntryId(after.0, after.1.saturating_add(1))))
    }
}

/// One atomic look, with the recent entries if they are wanted.
pub(super) async fn read(
    redis: &mut MultiplexedConnection,
    keys: &Keys,
    recent: Option<&Recent<'_>>,
) -> Result<StreamsState, RedisError> {
    let mut pipeline = Pipeline::new();
    pipeline.atomic().ignore_errors();
    for (key, group) in &keys.streams {
        pipeline.cmd("XINFO").arg("GROUPS").arg(key);
        pipeline.cmd("XPENDING").arg(key).arg(*group).arg("-").arg("+").arg(ALL_PENDING);
        if let Some(recent) = recent {
            pipeline
                .cmd("XRANGE")
                .arg(key)
                .arg(recent.from(key).to_string())
                .arg("+")
                .arg("COUNT")
                .arg(recent.count);
        }
    }
    keys.dead.iter().for_each(|key| _ = pipeline.cmd("XRANGE").arg(key).arg("-").arg("+"));
    let mut answers = pipeline.query_async::<Vec<Value>>(redis).await?.into_iter();
    let mut streams = StreamsState::default();
    for (key, group) in &keys.streams {
        let state = group_state(group, take(&mut answers), take(&mut answers));
        let entries = recent.and_then(|_| take::<StreamRangeReply>(&mut answers)).unwrap_or_default();
        let entries = entries.ids.iter().map(entry).collect();
        streams.partitions.push(Partition { key: key.clone(), group, state, entries });
    }
    for key in &keys.dead {
        let letters: StreamRangeReply = take(&mut answers).unwrap_or_default();
        streams.dead.extend(letters.ids.iter().map(|letter| dead_letter(key, letter)));
    }
    Ok(streams)
}

/// The next answer; `None` when it is an error: the key or the group is gone.
fn take<T: FromRedisValue>(answers: &mut impl Iterator<Item = Value>) -> Option<T> {
    T::from_redis_value(answers.next()?.extract_error().ok()?).ok()
}

fn group_state(
    group: &str,
    groups: Option<StreamInfoGroupsReply>,
    pending: Option<StreamPendingCountReply>,
) -> Option<GroupState> {
    let info = groups?.groups.into_iter().find(|info| info.name == group)?;
    let pending = pending?.ids.iter().map(|pending| EntryId::parse(&pending.id)).collect();
    Some(GroupState { last_delivered: EntryId::parse(&info.last_delivered_id), pending })
}

fn entry(found: &StreamId) -> Entry {
    Entry {
        id: EntryId::parse(&found.id),
        event: found.get("id").unwrap_or_else(|| found.id.clone()),
        redrive_group: found.get("redrivegroup"),
    }
}

fn dead_letter(key: &str, found: &StreamId) -> DeadLetter {
    let field = |name: &str| found.get::<String>(name).unwrap_or_default();
    let group = field("dead-group");
    // `group/event id`, the event id being the entry's when the event has none.
    let event =
        field("dead-index").strip_prefix(&format!("{group}/")).map_or_else(|| field("id"), str::to_owned);
    let at = field("dead-at").parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond);
    DeadLetter { id: format!("{key}~{}", found.id), group, event, reason: field("dead-reason"), at }
}

async fn all_entries(redis: &mut MultiplexedConnection, key: &str) -> Result<Vec<Entry>, RedisError> {
    let (mut entries, mut from) = (Vec::new(), "-".to_owned());
    loop {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(&from).arg("+").arg("COUNT").arg(PAGE);
        let page: StreamRangeReply = range.query_async(redis).await?;
        entries.extend(page.ids.iter().map(entry));
        match page.ids.last() {
            Some(last) if page.ids.len() == PAGE => from = format!("({}", last.id),
            _ => return Ok(entries),
        }
    }
}

/// What the groups have still to do, in words.
pub(super) async fn backlog(redis: &mut MultiplexedConnection) -> Result<Vec<String>, RedisError> {
    let keys = Keys::find(redis).await?;
    let mut open: Vec<String> = keys
        .missing()
        .map(|stream| format!("stream {stream} does not exist: no consumer has made it yet"))
        .collect();
    let state = read(redis, &keys, None).await?;
    let mut pipeline = Pipeline::new();
    pipeline.ignore_errors();
    for partition in &state.partitions {
        let last = partition.state.as_ref().map(|state| state.last_delivered).unwrap_or_default();
        pipeline.cmd("XRANGE").arg(&partition.key).arg(format!("({last}")).arg("+").arg("COUNT").arg(1);
    }
    if state.partitions.is_empty() {
        return Ok(open);
    }
    let mut answers = pipeline.query_async::<Vec<Value>>(redis).await?.into_iter();
    for partition in &state.partitions {
        let unread = take::<StreamRangeReply>(&mut answers).is_none_or(|unread| !unread.ids.is_empty());
        open.extend(to_do(partition, unread));
    }
    Ok(open)
}

fn to_do(partition: &Partition, unread: bool) -> Vec<String> {
    let Partition { key, group, state, .. } = partition;
    let Some(state) = state else { return vec![format!("{key}: {group} does not exist")] };
    let pending =
        (!state.pending.is_empty()).then(|| format!("{key}: {} pending in {group}", state.pending.len()));
    let unread = unread.then(|| format!("{key}: not all is read by {group}"));
    pending.into_iter().chain(unread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, event: &str, redrive_group: Option<&str>) -> Entry {
        Entry { id: EntryId(id, 0), event: event.to_owned(), redrive_group: redrive_group.map(str::to_owned) }
    }

    fn state(entries: Vec<Entry>, last: u64, pending: &[u64], dead: &[&str]) -> StreamsState {
        let state = GroupState {
            last_delivered: EntryId(last, 0),
            pending: pending.iter().map(|id| EntryId(*id, 0)).collect(),
        };
        let partition =
            Partition { key: "order_completed".to_owned(), group: INVENTORY, state: Some(state), entries };
        let letter = |event: &&str| DeadLetter {
            id: String::new(),
            group: INVENTORY.to_owned(),
            event: (*event).to_owned(),
            reason: String::new(),
            at: 0,
        };
        StreamsState { partitions: vec![partition], dead: dead.iter().map(letter).collect() }
    }

    fn must(state: &StreamsState) -> Vec<&str> {
        state.must_have_had_effect().map(|(_, entry)| entry.event.as_str()).collect()
    }

    #[test]
    fn only_what_is_acknowledged_and_not_dead_must_have_had_its_effect() {
        let entries = ["done", "held", "dead", "unread"]
            .iter()
            .zip(1..)
            .map(|(event, id)| entry(id, event, None))
            .collect();
        assert_eq!(must(&state(entries, 3, &[2], &["dead"])), ["done"]);
    }

    #[test]
    fn an_event_on_its_way_once_more_and_one_for_another_group_are_excused() {
        let redriven =
            vec![entry(1, "a", None), entry(2, "a", Some(INVENTORY)), entry(3, "b", Some(PAYMENT))];
        assert_eq!(must(&state(redriven.clone(), 1, &[], &[])), [""; 0]);
        assert_eq!(must(&state(redriven, 3, &[], &[])), ["a", "a"]);
    }

    #[test]
    fn a_stream_is_found_with_and_without_partitions() {
        for (key, is) in [
            ("order_completed", true),
            ("order_completed.12", true),
            ("order_completed.", false),
            ("order_completed.x", false),
        ] {
            assert_eq!(is_partition_of(key, "order_completed"), is, "{key}");
        }
        let keys = Keys::sort(
            ["order_completed.0", "order_completed.dead", "refund_order", "other"].map(str::to_owned).into(),
        );
        assert_eq!(keys.streams.len(), 2);
        assert_eq!(keys.missing().collect::<Vec<_>>(), ["stock_reserved", "product_changed"]);
    }

    /// A poisoned entry was acknowledged with its stream's first dead letter, and the look did not know where
    /// to find that.
    #[test]
    fn dead_letters_are_looked_for_also_where_there_are_none_yet() {
        let keys = Keys::sort(["stock_reserved", "another.dead"].map(str::to_owned).into());
        assert!(
            ["stock_reserved.dead", "order_completed.dead", "another.dead"]
                .iter()
                .all(|key| keys.dead.contains(*key))
        );
    }
}
