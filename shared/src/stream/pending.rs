//! What a consumer holds, and what it takes over from a dead one.

use redis::{FromRedisValue, Value};

use super::{Broker, BrokerError};

/// One row of the pending entries list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingEntry {
    pub id: String,
    pub deliveries: u32,
}

/// Up to `count` entries this consumer holds that nobody has touched for `idle_ms`, after `from` (exclusive, empty: from the first).
pub(super) async fn held(
    broker: &Broker,
    key: &str,
    group: &str,
    consumer: &str,
    idle_ms: u64,
    from: &str,
    count: usize,
) -> Result<Vec<PendingEntry>, BrokerError> {
    let start = if from.is_empty() { "-".to_owned() } else { format!("({from}") };
    let mut command = redis::cmd("XPENDING");
    command.arg(key).arg(group).arg("IDLE").arg(idle_ms).arg(start).arg("+").arg(count).arg(consumer);
    let rows: Vec<Value> = broker.command(command).await?;
    Ok(rows.into_iter().filter_map(row).collect())
}

fn row(value: Value) -> Option<PendingEntry> {
    let (id, _consumer, _idle, deliveries) = <(String, String, u64, u32)>::from_redis_value(value).ok()?;
    Some(PendingEntry { id, deliveries })
}

/// What one XAUTOCLAIM took over.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Claimed {
    pub next: String,
    pub ids: Vec<String>,
    /// Entries that were pending but are gone from the stream: their data is lost, the outbox publishes it again.
    pub deleted: Vec<String>,
}

/// Takes over entries idle for `idle_ms`, from whichever consumer. JUSTID: taking over is no delivery, so it is not counted
/// as one; the entries are then read as this consumer's own.
pub(super) async fn claim(
    broker: &Broker,
    key: &str,
    group: &str,
    consumer: &str,
    idle_ms: u64,
    cursor: &str,
    count: usize,
) -> Result<Claimed, BrokerError> {
    let mut command = redis::cmd("XAUTOCLAIM");
    command.arg(key).arg(group).arg(consumer).arg(idle_ms).arg(cursor).arg("COUNT").arg(count).arg("JUSTID");
    let (next, ids, deleted): (String, Vec<String>, Vec<String>) = broker.command(command).await?;
    Ok(Claimed { next, ids, deleted })
}

/// Resets the idle time of entries this consumer is still working on, so that nobody claims them.
pub(super) async fn keep(broker: &Broker, key: &str, group: &str, consumer: &str, ids: &[String]) -> Result<(), BrokerError> {
    let mut command = redis::cmd("XCLAIM");
    command.arg(key).arg(group).arg(consumer).arg(0).arg(ids).arg("JUSTID");
    broker.command::<Value>(command).await.map(drop)
}
