use std::{collections::HashMap, time::Duration};

use redis::{FromRedisValue, Pipeline, Value};

use super::{
    Broker, BrokerError,
    entry::{Entry, entries},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingEntry {
    pub id: String,
    pub deliveries: u32,
}

/// The consumer that holds an entry, and the time since it last worked on it.
pub(super) struct Owner {
    pub consumer: String,
    pub idle: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub key: String,
    pub group: String,
    pub consumer: String,
}

impl Holder {
    /// Starts after `from`; at the first entry if empty.
    pub(super) async fn held(
        &self,
        broker: &Broker,
        idle_ms: u64,
        from: &str,
        count: usize,
    ) -> Result<Vec<PendingEntry>, BrokerError> {
        let start = if from.is_empty() { "-".to_owned() } else { format!("({from}") };
        let mut command = redis::cmd("XPENDING");
        command
            .arg(&self.key)
            .arg(&self.group)
            .arg("IDLE")
            .arg(idle_ms)
            .arg(start)
            .arg("+")
            .arg(count)
            .arg(&self.consumer);
        let rows: Vec<Value> = broker.command(command).await?;
        Ok(rows.into_iter().filter_map(row).collect())
    }

    pub(super) async fn among(
        &self,
        broker: &Broker,
        ids: &[String],
    ) -> Result<Vec<PendingEntry>, BrokerError> {
        let mut pipeline = Pipeline::with_capacity(ids.len());
        for id in ids {
            pipeline
                .cmd("XPENDING")
                .arg(&self.key)
                .arg(&self.group)
                .arg(id)
                .arg(id)
                .arg(1)
                .arg(&self.consumer);
        }
        let mut held = Vec::with_capacity(ids.len());
        for answer in broker.run(&mut pipeline).await? {
            let rows = <Vec<Value>>::from_redis_value(answer.extract_error()?).unwrap_or_default();
            held.extend(rows.into_iter().filter_map(row));
        }
        Ok(held)
    }

    /// The holders of entries that nobody has worked on for `idle_ms`, by entry id; a thousand entries at most.
    pub(super) async fn idle_of_others(
        &self,
        broker: &Broker,
        idle_ms: u64,
    ) -> Result<HashMap<String, Owner>, BrokerError> {
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.key).arg(&self.group).arg("IDLE").arg(idle_ms).arg("-").arg("+").arg(1000);
        let rows: Vec<(String, String, u64, u32)> = broker.command(command).await?;
        let owner = |(id, consumer, idle, _)| (id, Owner { consumer, idle: Duration::from_millis(idle) });
        Ok(rows.into_iter().map(owner).filter(|(_, owner)| owner.consumer != self.consumer).collect())
    }

    /// JUSTID leaves the delivery count unchanged.
    pub(super) async fn claim(
        &self,
        broker: &Broker,
        idle_ms: u64,
        cursor: &str,
        count: usize,
    ) -> Result<Claimed, BrokerError> {
        let mut command = redis::cmd("XAUTOCLAIM");
        command
            .arg(&self.key)
            .arg(&self.group)
            .arg(&self.consumer)
            .arg(idle_ms)
            .arg(cursor)
            .arg("COUNT")
            .arg(count)
            .arg("JUSTID");
        let (next, ids, deleted): (String, Vec<String>, Vec<String>) = broker.command(command).await?;
        Ok(Claimed { next, ids, deleted })
    }

    /// Redis drops entries whose data is gone.
    pub(super) async fn deliver_again(
        &self,
        broker: &Broker,
        ids: &[String],
    ) -> Result<Vec<Entry>, BrokerError> {
        broker.command(self.claiming(ids)).await.map(entries)
    }

    pub(super) async fn there(&self, broker: &Broker, ids: &[String]) -> Result<Vec<bool>, BrokerError> {
        let mut pipeline = Pipeline::with_capacity(ids.len());
        for id in ids {
            pipeline.cmd("XRANGE").arg(&self.key).arg(id).arg(id);
        }
        Ok(broker.run(&mut pipeline).await?.into_iter().map(|answer| !entries(answer).is_empty()).collect())
    }

    /// Protects entries from claims.
    pub(super) async fn keep(&self, broker: &Broker, ids: &[String]) -> Result<(), BrokerError> {
        let mut command = self.claiming(ids);
        command.arg("JUSTID");
        broker.command::<Value>(command).await.map(drop)
    }

    /// Excludes attempts that the environment failed.
    pub(super) async fn count_as(
        &self,
        broker: &Broker,
        ids: &[String],
        deliveries: u32,
    ) -> Result<(), BrokerError> {
        let mut command = self.claiming(ids);
        command.arg("RETRYCOUNT").arg(deliveries).arg("JUSTID");
        broker.command::<Value>(command).await.map(drop)
    }

    fn claiming(&self, ids: &[String]) -> redis::Cmd {
        let mut command = redis::cmd("XCLAIM");
        command.arg(&self.key).arg(&self.group).arg(&self.consumer).arg(0).arg(ids);
        command
    }
}

fn row(value: Value) -> Option<PendingEntry> {
    let (id, _consumer, _idle, deliveries) = <(String, String, u64, u32)>::from_redis_value(value).ok()?;
    Some(PendingEntry { id, deliveries })
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Claimed {
    pub next: String,
    pub ids: Vec<String>,
    /// Gone from the stream; the outbox publishes them again.
    pub deleted: Vec<String>,
}
