//! What the groups of a stream are not done with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

use super::{
    Broker, BrokerError,
    entry::{entries, milliseconds},
    partition::partitions,
    trim::{Group, groups, oldest_pending},
};

impl Broker {
    /// When the oldest entry of `stream` was published that some group has not read, or read and not acknowledged; `None` when
    /// all are done with everything. Of a stream that was deleted, flushed or trimmed, what is gone does not count.
    ///
    /// # Errors
    /// Redis did not answer.
    pub async fn unsettled_since(&self, stream: &str) -> Result<Option<SystemTime>, BrokerError> {
        let mut oldest = None;
        for key in partitions(stream, self.partitions()) {
            let groups = groups(self, &key).await?;
            if groups.is_empty() {
                // It is read from its start by the group that will come.
                oldest = [oldest, self.first_after(&key, "0-0").await?].into_iter().flatten().min();
            }
            for group in groups {
                oldest = [oldest, self.unsettled_by(&key, &group).await?].into_iter().flatten().min();
            }
        }
        Ok(oldest.map(|at| UNIX_EPOCH + Duration::from_millis(at)))
    }

    async fn unsettled_by(&self, key: &str, group: &Group) -> Result<Option<u64>, BrokerError> {
        let pending = if group.pending > 0 { oldest_pending(self, key, &group.name).await? } else { None };
        match pending {
            // Older than whatever is unread.
            Some(id) => Ok(Some(milliseconds(&id))),
            None => self.first_after(key, &group.last_delivered).await,
        }
    }

    async fn first_after(&self, key: &str, id: &str) -> Result<Option<u64>, BrokerError> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(format!("({id}")).arg("+").arg("COUNT").arg(1);
        let found: Value = self.command(range).await?;
        Ok(entries(found).into_iter().next().map(|entry| milliseconds(&entry.id)))
    }
}
