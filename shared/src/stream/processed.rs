//! A time-bounded Redis set of processed event ids.
//!
//! Only a short cut: a redelivered entry whose id is in the set needs no trip to PostgreSQL. The inbox decides everything else.
//! Ids go into one set per window; the current and the previous window are asked, and Redis drops a set after two.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Cmd, Pipeline};

use super::{Broker, BrokerError};

#[derive(Debug, Clone)]
pub(super) struct Processed {
    group: String,
    window: Duration,
}

impl Processed {
    pub(super) fn new(group: &str, window: Duration) -> Self {
        Self { group: group.to_owned(), window: window.max(Duration::from_secs(1)) }
    }

    /// Remembers `ids`, as part of the pipeline that acknowledges them.
    pub(super) fn remember(&self, pipeline: &mut Pipeline, ids: &[String]) {
        let key = self.key(self.current());
        let mut add = redis::cmd("SADD");
        add.arg(&key).arg(ids);
        let mut expire = redis::cmd("EXPIRE");
        expire.arg(&key).arg(2 * self.window.as_secs());
        pipeline.add_command(add).add_command(expire);
    }

    /// Which of `ids` are known to be processed.
    pub(super) async fn known(&self, broker: &Broker, ids: &[String]) -> Result<Vec<bool>, BrokerError> {
        let current = self.current();
        let mut known = vec![false; ids.len()];
        for window in [current, current.saturating_sub(1)] {
            let answers: Vec<bool> = broker.command(self.members(window, ids)).await?;
            known.iter_mut().zip(answers).for_each(|(known, answer)| *known |= answer);
        }
        Ok(known)
    }

    fn members(&self, window: u64, ids: &[String]) -> Cmd {
        let mut command = redis::cmd("SMISMEMBER");
        command.arg(self.key(window)).arg(ids);
        command
    }

    fn key(&self, window: u64) -> String {
        format!("processed:{}:{window}", self.group)
    }

    fn current(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / self.window.as_secs()
    }
}
