use redis::InfoDict;

use super::{Broker, BrokerError};
use crate::recovery::ServerIdentity;

const PROBE: &str = "orderflow:probe";
const PROBE_LIFE_MS: u64 = 60_000;

/// Set by the first service to start.
const PARTITIONS: &str = "orderflow:partitions";

/// Reasons why this process cannot use streams.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Services with different counts miss each other's events.
    #[error(
        "streams have {found} partitions by {PARTITIONS} in Redis, and stream-partitions is {own} here: give every service the same number"
    )]
    Partitions { found: u16, own: u16 },
}

impl Broker {
    /// Writes, because a PING succeeds even on a server that is full, read-only or without replicas.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        let mut write = redis::cmd("SET");
        write.arg(PROBE).arg(1).arg("PX").arg(PROBE_LIFE_MS);
        self.command::<()>(write).await?;
        let mut agree = redis::cmd("SET");
        agree.arg(PARTITIONS).arg(self.partitions()).arg("NX").arg("GET");
        match self.command::<Option<u16>>(agree).await? {
            Some(found) if found != self.partitions() => {
                Err(ProbeError::Partitions { found, own: self.partitions() })
            }
            _ => Ok(()),
        }
    }

    /// Which server answers, if it says so. A replica that takes over keeps the id of the history before;
    /// so does Redis that is started anew from a snapshot alone, without the append-only file it should have.
    pub async fn identity(&self) -> Option<ServerIdentity> {
        let mut command = redis::cmd("INFO");
        command.arg("server").arg("replication");
        let info: InfoDict = self.command(command).await.ok()?;
        let continued = info.get("master_replid2");
        Some(ServerIdentity { process: info.get("run_id")?, history: info.get("master_replid")?, continued })
    }

    /// Warns when the server may lose streams. Reads INFO, because CONFIG is a right of operators.
    pub async fn check_durability(&self) {
        let mut command = redis::cmd("INFO");
        command.arg("persistence").arg("memory");
        let info: InfoDict = match self.command(command).await {
            Ok(info) => info,
            Err(error) => return tracing::debug!(%error, "cannot check the settings of Redis"),
        };
        for (field, wanted) in [("aof_enabled", "1"), ("maxmemory_policy", "noeviction")] {
            let found: Option<String> = info.get(field);
            if found.as_ref().is_some_and(|found| found != wanted) {
                tracing::warn!(
                    field,
                    wanted,
                    ?found,
                    "Redis can lose events; they will be published again, late"
                );
            }
        }
    }
}
