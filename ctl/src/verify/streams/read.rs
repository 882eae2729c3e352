use std::{collections::HashMap, time::Duration};

use redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, RedisError, Value,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamInfoGroupsReply, StreamPendingCountReply, StreamRangeReply},
};

use events::FIELD;

use super::keys::Keys;
use super::state::{DeadLetter, Entry, EntryId, GroupState, Partition, StreamsState};
use crate::verify::VerifyError;

const CONNECT: Duration = Duration::from_secs(5);
/// Long enough for a thousand entries over a slow network.
const ANSWER: Duration = Duration::from_secs(20);
/// About a megabyte.
const PAGE: usize = 1000;
/// XPENDING requires a limit: more than can be pending.
const ALL_PENDING: u32 = 100_000_000;
pub async fn connect(url: &str) -> Result<MultiplexedConnection, VerifyError> {
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

pub async fn read_all(url: &str) -> Result<StreamsState, VerifyError> {
    let mut redis = connect(url).await?;
    let keys = Keys::find(&mut redis).await?;
    let mut state = read(&mut redis, &keys, None).await?;
    for partition in &mut state.partitions {
        partition.entries = all_entries(&mut redis, &partition.key).await?;
    }
    Ok(state)
}
#[derive(Debug)]
pub struct Recent<'a> {
    pub since: EntryId,
    /// Entry to read after, by stream key.
    pub after: &'a HashMap<String, EntryId>,
    pub count: usize,
}

impl Recent<'_> {
    fn from(&self, key: &str) -> EntryId {
        self.after
            .get(key)
            .map_or(self.since, |after| self.since.max(EntryId(after.0, after.1.saturating_add(1))))
    }
}

/// Reads groups and dead letters in one MULTI.
pub async fn read(
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
    // A dead letter is younger than its entry.
    let since = recent.map_or_else(|| "-".to_owned(), |recent| recent.since.to_string());
    keys.dead.iter().for_each(|key| _ = pipeline.cmd("XRANGE").arg(key).arg(&since).arg("+"));
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

/// `None` for an error: the key or the group is gone.
pub(super) fn take<T: FromRedisValue>(answers: &mut impl Iterator<Item = Value>) -> Option<T> {
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

#[derive(Default, serde::Deserialize)]
struct Attributes {
    id: Option<String>,
    redrivegroup: Option<String>,
}

fn entry(found: &StreamId) -> Entry {
    let document: String = found.get(FIELD).unwrap_or_default();
    let attributes: Attributes = serde_json::from_str(&document).unwrap_or_default();
    Entry {
        id: EntryId::parse(&found.id),
        event: attributes.id.unwrap_or_else(|| found.id.clone()),
        redrive_group: attributes.redrivegroup,
    }
}

fn dead_letter(key: &str, found: &StreamId) -> DeadLetter {
    let field = |name: &str| found.get::<String>(name).unwrap_or_default();
    let group = field("dead-group");
    // The index is `group/event id`; the entry id stands for a missing event id.
    let event = field("dead-index").strip_prefix(&format!("{group}/")).unwrap_or_default().to_owned();
    let at = field("dead-at").parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond);
    DeadLetter { id: format!("{key}~{}", found.id), group, event, reason: field("dead-reason"), at }
}

async fn all_entries(redis: &mut MultiplexedConnection, key: &str) -> Result<Vec<Entry>, RedisError> {
    let mut entries = Vec::new();
    let mut from = "-".to_owned();
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
