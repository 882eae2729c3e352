//! What the groups of a stream have not read yet.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

use super::{
    Broker, BrokerError,
    entry::{entries, milliseconds},
    partition::partitions,
    trim::groups,
};

impl Broker {
    /// When the oldest entry of `stream` was published that some group has not read; `None` when all have read everything.
    /// Of a stream that was deleted, flushed or trimmed, what is gone does not count.
    ///
    /// # Errors
    /// Redis did not answer.
    pub async fn unread_since(&self, stream: &str) -> Result<Option<SystemTime>, BrokerError> {
        let mut oldest = None;
        for key in partitions(stream, self.partitions()) {
            for last_read in self.last_read(&key).await? {
                let unread = self.first_after(&key, &last_read).await?.map(|id| UNIX_EPOCH + Duration::from_millis(milliseconds(&id)));
                oldest = [oldest, unread].into_iter().flatten().min();
            }
        }
        Ok(oldest)
    }

    /// How far each group has read; a stream without a group is read from its start by the one that will come.
    async fn last_read(&self, key: &str) -> Result<Vec<String>, BrokerError> {
        let read: Vec<String> = groups(self, key).await?.into_iter().map(|group| group.last_delivered).collect();
        Ok(if read.is_empty() { vec!["0-0".to_owned()] } else { read })
    }

    async fn first_after(&self, key: &str, id: &str) -> Result<Option<String>, BrokerError> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(format!("({id}")).arg("+").arg("COUNT").arg(1);
        let found: Value = self.command(range).await?;
        Ok(entries(found).into_iter().next().map(|entry| entry.id))
    }
}
