//! The time of a recovery, from the moment a fault ends:
//!
//! - **accepts**: a new order gets its 2xx,
//! - **flows**: that order (the canary) is at its end,
//! - **ended**: every order accepted before is at its end, and every instance is ready.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::task::JoinSet;

use super::ChaosError;
use super::buyer::Buyer;
use super::direct::Database;
use super::fault_spec::Limits;
use super::products::{PLENTY, one};
use super::profile::UNOPTIMISED;
use ctl::instance::health;
use ctl::wait::Wait;

/// Beyond a limit, to report how slow the recovery was.
const GRACE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Recovery {
    pub accepts_ms: u64,
    pub flows_ms: u64,
    pub ended_ms: u64,
}

#[derive(Debug, Clone)]
pub struct RecoveryProbe {
    pub buyer: Buyer,
    pub payment: Database,
    /// For `/readyz`.
    pub http: reqwest::Client,
    pub urls: Vec<String>,
}

/// Dropping cancels the measurement.
#[derive(Debug)]
pub struct PendingRecovery {
    measurement: JoinSet<Result<Recovery, ChaosError>>,
}

impl RecoveryProbe {
    /// `limit` is the longest of the fault's limits.
    #[must_use]
    pub fn begin(self, limit: Duration) -> PendingRecovery {
        let began = Instant::now();
        let cutoff = Timestamp::now();
        let mut measurement = JoinSet::new();
        measurement.spawn(async move { self.measure(began, cutoff, limit + GRACE).await });
        PendingRecovery { measurement }
    }

    async fn measure(
        self,
        began: Instant,
        cutoff: Timestamp,
        within: Duration,
    ) -> Result<Recovery, ChaosError> {
        let canary = async {
            let order = self.buyer.place_until_accepted(&one(PLENTY), within).await?;
            let accepted = began.elapsed();
            self.buyer.wait_for_end(order, within).await?;
            Ok::<_, ChaosError>((accepted, began.elapsed()))
        };
        let ((accepted, flowed), (), ()) =
            tokio::try_join!(canary, self.all_ended(cutoff, within), self.all_ready(within))?;
        let ended = began.elapsed();
        Ok(Recovery {
            accepts_ms: milliseconds(accepted),
            flows_ms: milliseconds(flowed),
            ended_ms: milliseconds(ended),
        })
    }

    async fn all_ended(&self, cutoff: Timestamp, within: Duration) -> Result<(), ChaosError> {
        let wait = Wait::begin("every order from before the end of the fault is at its end", within);
        loop {
            match self.payment.open_orders(cutoff).await {
                Ok(0) => return Ok(()),
                Ok(open) => wait.again(format!("{open} are not")).await?,
                Err(error) => wait.again(error).await?,
            }
        }
    }

    async fn all_ready(&self, within: Duration) -> Result<(), ChaosError> {
        let wait = Wait::begin("every instance is ready", within);
        for url in &self.urls {
            while let Err(unready) = health(&self.http, url, "/readyz").await {
                wait.again(unready).await?;
            }
        }
        Ok(())
    }
}

impl PendingRecovery {
    /// The error names the part that failed to recover.
    pub async fn finish(mut self) -> Result<Recovery, ChaosError> {
        let ended = self.measurement.join_next().await;
        ended.and_then(Result::ok).unwrap_or_else(|| {
            Err(ChaosError::Impossible("the measurement of a recovery was cancelled".to_owned()))
        })
    }
}

impl Recovery {
    #[must_use]
    pub fn exceeded(&self, limits: Limits) -> Option<String> {
        let parts = [
            ("a new order is accepted", self.accepts_ms, limits.accepts),
            ("a new order is at its end", self.flows_ms, limits.flows),
            ("all orders are at their end, all instances ready", self.ended_ms, limits.ended),
        ];
        let slow =
            parts.into_iter().find(|(_, took, limit)| u128::from(*took) > (*limit + UNOPTIMISED).as_millis());
        slow.map(|(what, took, limit)| {
            format!("slow recovery: {what} after {:.1} s, limit {} s", seconds(took), limit.as_secs())
        })
    }
}

#[must_use]
pub fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn a_recovery_is_slow_when_any_part_of_it_is() {
        let limits = Fault::RedisKill.spec().limits;
        let recovery = Recovery { accepts_ms: 10, flows_ms: 5000, ended_ms: 9000 };
        assert_eq!(recovery.exceeded(limits), None);
        let flows_ms = milliseconds(limits.flows + UNOPTIMISED) + 1;
        let slow = Recovery { flows_ms, ..recovery }.exceeded(limits).expect("over 5 s");
        assert!(slow.contains("a new order is at its end after") && slow.ends_with("limit 5 s"), "{slow}");
    }
}
