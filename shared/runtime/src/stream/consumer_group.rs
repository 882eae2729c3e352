use redis::{ToRedisArgs, Value};

use super::{
    Broker, BrokerError,
    dead_letters::{self, Burial},
};

#[derive(Clone)]
pub(super) struct ConsumerGroup {
    pub broker: Broker,
    pub key: String,
    pub group: String,
}

impl ConsumerGroup {
    pub(super) async fn acknowledge(&self, entries: &[impl ToRedisArgs]) -> Result<(), BrokerError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut ack = redis::cmd("XACK");
        ack.arg(&self.key).arg(&self.group).arg(entries);
        self.broker.command::<Value>(ack).await.map(drop)
    }

    /// Acknowledges last: a crash in between leaves the entry pending.
    pub(super) async fn bury(&self, burial: &Burial<'_>) -> Result<(), BrokerError> {
        dead_letters::bury(&self.broker, burial).await?;
        self.acknowledge(&[burial.entry]).await
    }
}
