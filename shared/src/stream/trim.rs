//! Trimming what every group is done with. Never by length: a backlog must not be cut.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{FromRedisValue, Value};

use super::{Broker, BrokerError, entry::milliseconds};

/// Time between two trims. Trimming is O(entries removed); once in ten seconds it is never noticed.
pub(super) const INTERVAL: Duration = Duration::from_secs(10);

/// Removes entries that are older than `retention` and below every group's oldest pending and last delivered id.
pub(super) async fn trim(broker: &Broker, key: &str, retention: Duration) -> Result<(), BrokerError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut floor = u64::try_from(now.saturating_sub(retention).as_millis()).unwrap_or(0);
    for group in groups(broker, key).await? {
        floor = floor.min(milliseconds(&group.last_delivered));
        if group.pending > 0 {
            floor = floor.min(oldest_pending(broker, key, &group.name).await?.as_deref().map_or(0, milliseconds));
        }
    }
    let mut command = redis::cmd("XTRIM");
    command.arg(key).arg("MINID").arg("~").arg(floor);
    broker.command::<Value>(command).await.map(drop)
}

/// One group of a stream, as XINFO GROUPS tells.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub name: String,
    pub pending: u64,
    pub last_delivered: String,
    /// Entries not read yet; `None` when Redis cannot tell (after a trim or a delete).
    pub lag: Option<u64>,
    pub entries_read: Option<u64>,
}

pub(super) async fn groups(broker: &Broker, key: &str) -> Result<Vec<Group>, BrokerError> {
    let mut command = redis::cmd("XINFO");
    command.arg("GROUPS").arg(key);
    match broker.command::<Vec<Vec<Value>>>(command).await {
        Ok(groups) => Ok(groups.into_iter().map(group).collect()),
        Err(BrokerError::Refused(error)) if error.to_string().contains("no such key") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn group(fields: Vec<Value>) -> Group {
    let mut group = Group::default();
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match String::from_redis_value(name).unwrap_or_default().as_str() {
            "name" => group.name = String::from_redis_value(value).unwrap_or_default(),
            "pending" => group.pending = u64::from_redis_value(value).unwrap_or(0),
            "last-delivered-id" => group.last_delivered = String::from_redis_value(value).unwrap_or_default(),
            "lag" => group.lag = u64::from_redis_value(value).ok(),
            "entries-read" => group.entries_read = u64::from_redis_value(value).ok(),
            _ => {}
        }
    }
    group
}

pub(super) async fn oldest_pending(broker: &Broker, key: &str, group: &str) -> Result<Option<String>, BrokerError> {
    let mut command = redis::cmd("XPENDING");
    command.arg(key).arg(group).arg("-").arg("+").arg(1);
    let rows: Vec<Vec<Value>> = broker.command(command).await?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(|id| String::from_redis_value(id).ok()))
}
