use std::time::Duration;

use redis::{FromRedisValue, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Broker, BrokerError, ConsumerSpec, DeadLetters,
    entry::milliseconds,
    groups::{Group, groups, oldest_pending},
};

/// The state of a stream for one group.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StreamOverview {
    pub stream: String,
    pub group: String,
    /// Entries in the stream, including read ones until trimmed.
    pub length: u64,
    /// Entries unread by the group.
    pub unread: u64,
    /// Whether `unread` is an estimate, after a trim or a delete.
    pub unread_approximate: bool,
    /// Entries read and awaiting acknowledgement.
    pub pending: u64,
    /// Age of the oldest pending entry, in seconds.
    pub oldest_pending_seconds: f64,
    pub consumers: Vec<ConsumerOverview>,
    /// Groups unknown to this service, which delay trimming by at most `foreign-group-retention`, up to
    /// `stream-backlog`.
    pub foreign_groups: Vec<ForeignGroup>,
    /// Dead letters of this stream's event type.
    pub dead_letters: u64,
    /// Entries claimed from idle consumers since this process started.
    pub reclaimed_total: u64,
}

/// A group unknown to this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ForeignGroup {
    pub name: String,
    /// Entries unread by the group.
    pub unread: u64,
    pub pending: u64,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConsumerOverview {
    pub name: String,
    /// Seconds since its last request to Redis.
    pub idle_seconds: f64,
    pub pending: u64,
}

/// Reads the state of a stream, and sets its gauges.
pub async fn overview(broker: &Broker, spec: &ConsumerSpec) -> Result<StreamOverview, BrokerError> {
    let length: u64 = broker.command(command("XLEN", &[&spec.key])).await?;
    let (own, foreign_groups): (Vec<Group>, Vec<Group>) =
        groups(broker, &spec.key).await?.into_iter().partition(|g| g.name == spec.group);
    let group = own.into_iter().next().unwrap_or_default();
    let oldest = if group.pending > 0 { oldest_pending(broker, &spec.key, &spec.group).await? } else { None };
    let age = |now: u64, id: String| Duration::from_millis(now.saturating_sub(milliseconds(&id)));
    let oldest_pending_seconds = match oldest {
        Some(id) => age(broker.now().await?, id).as_secs_f64(),
        None => 0.0,
    };
    let foreign = |group: &Group| ForeignGroup {
        name: group.name.clone(),
        unread: group.unread(length),
        pending: group.pending,
    };
    let overview = StreamOverview {
        stream: spec.key.clone(),
        group: spec.group.clone(),
        length,
        unread: group.unread(length),
        unread_approximate: group.lag.is_none() && !group.name.is_empty(),
        pending: group.pending,
        oldest_pending_seconds,
        consumers: consumers(broker, spec).await.unwrap_or_default(),
        foreign_groups: foreign_groups.iter().map(foreign).collect(),
        dead_letters: DeadLetters::new(broker.clone()).count(&spec.stream).await?,
        reclaimed_total: spec.metrics.reclaimed_so_far(),
    };
    overview.record();
    Ok(overview)
}

impl StreamOverview {
    fn record(&self) {
        let labels = [("stream", self.stream.clone()), ("group", self.group.clone())];
        metrics::gauge!("orderflow_stream_length", &labels).set(self.length as f64);
        metrics::gauge!("orderflow_stream_foreign_groups", &labels).set(self.foreign_groups.len() as f64);
        metrics::gauge!("orderflow_stream_unread", &labels).set(self.unread as f64);
        metrics::gauge!("orderflow_stream_pending", &labels).set(self.pending as f64);
        metrics::gauge!("orderflow_stream_oldest_pending_seconds", &labels).set(self.oldest_pending_seconds);
        metrics::gauge!("orderflow_dead_letters", &labels).set(self.dead_letters as f64);
    }
}

async fn consumers(broker: &Broker, spec: &ConsumerSpec) -> Result<Vec<ConsumerOverview>, BrokerError> {
    let rows: Vec<Vec<Value>> =
        broker.command(command("XINFO", &["CONSUMERS", &spec.key, &spec.group])).await?;
    Ok(rows.into_iter().map(consumer).collect())
}

fn consumer(fields: Vec<Value>) -> ConsumerOverview {
    let mut consumer = ConsumerOverview { name: String::new(), idle_seconds: 0.0, pending: 0 };
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match String::from_redis_value(name).unwrap_or_default().as_str() {
            "name" => consumer.name = String::from_redis_value(value).unwrap_or_default(),
            "idle" => consumer.idle_seconds = u64::from_redis_value(value).unwrap_or(0) as f64 / 1000.0,
            "pending" => consumer.pending = u64::from_redis_value(value).unwrap_or(0),
            _ => {}
        }
    }
    consumer
}

fn command(name: &str, arguments: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd(name);
    arguments.iter().for_each(|argument| _ = command.arg(*argument));
    command
}
