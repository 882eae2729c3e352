//! Whether Redis can be worked with: looked at by doing what the work does.

use super::{Broker, BrokerError};

/// What a probe writes; gone by itself when nobody probes any more.
const PROBE: &str = "orderflow:probe";
const PROBE_LIFE_MS: u64 = 60_000;

/// How many partitions each stream has, as the first service to come has said.
const PARTITIONS: &str = "orderflow:partitions";

/// Why this process cannot speak over streams.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Two services that count differently do not find each other's events.
    #[error(
        "streams have {found} partitions by {PARTITIONS} in Redis, and stream-partitions is {own} here: give every service the same number"
    )]
    Partitions { found: u16, own: u16 },
}

impl Broker {
    /// Writes, as publishing and acknowledging do: a PING is answered by a server that is full, read-only or
    /// without its replicas.
    ///
    /// # Errors
    /// What an operator has to mend.
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

    /// Warns when the server may throw streams away: they must survive a restart and must never be evicted.
    pub async fn check_durability(&self) {
        for (setting, wanted) in [("appendonly", "yes"), ("maxmemory-policy", "noeviction")] {
            let mut command = redis::cmd("CONFIG");
            command.arg("GET").arg(setting);
            match self.command::<Vec<String>>(command).await {
                Ok(answer) if answer.get(1).is_none_or(|found| found == wanted) => {}
                Ok(answer) => {
                    tracing::warn!(setting, wanted, found = ?answer.get(1), "Redis can lose events; they will be published again, late")
                }
                Err(error) => tracing::debug!(setting, %error, "cannot check the Redis setting"),
            }
        }
    }
}
