//! A backup of the dead letters, which exist in Redis only, for I11 in a run that loses data.

use super::streams::streams;
use crate::ChaosError;
use crate::direct::DirectRedis;
use ctl::stack::Kind;

pub struct DeadLetterBackup {
    dumps: Vec<(String, Vec<u8>)>,
}

impl DeadLetterBackup {
    pub async fn take(redis: &DirectRedis) -> Result<Self, ChaosError> {
        let mut dumps = Vec::new();
        for stream in Kind::ALL.into_iter().flat_map(streams) {
            for key in [format!("{stream}.dead"), format!("{stream}.dead.index")] {
                if let Some(dump) = redis.dump(&key).await? {
                    dumps.push((key, dump));
                }
            }
        }
        Ok(Self { dumps })
    }

    pub async fn restore(&self, redis: &DirectRedis) -> Result<(), ChaosError> {
        for (key, dump) in &self.dumps {
            redis.restore(key, dump).await?;
        }
        Ok(())
    }
}
