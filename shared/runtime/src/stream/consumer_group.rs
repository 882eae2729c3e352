//! A consumer group of one partition: acknowledging, and burying poison messages.

use redis::{ToRedisArgs, Value};

use super::{
    Broker, BrokerError,
    dead_letters::{self, Burial},
};

/// The group in which a consumer acknowledges its entries.
#[derive(Clone)]
pub(super) struct ConsumerGroup {
    pub broker: Broker,
    pub key: String,
    pub group: String,
}

impl ConsumerGroup {
    /// Acknowledges entries whose effect is committed.
    pub(super) async fn acknowledge(&self, entries: &[impl ToRedisArgs]) -> Result<(), BrokerError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut ack = redis::cmd("XACK");
        ack.arg(&self.key).arg(&self.group).arg(entries);
        self.broker.command::<Value>(ack).await.map(drop)
    }

    /// Moves an entry to the dead letters: it is acknowledged here once it is there. A process that dies in
    /// between finds the entry pending and its letter known.
    pub(super) async fn bury(&self, burial: &Burial<'_>) -> Result<(), BrokerError> {
        dead_letters::bury(&self.broker, burial).await?;
        self.acknowledge(&[burial.entry]).await
    }
}
