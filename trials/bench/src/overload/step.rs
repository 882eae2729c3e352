//! One load, from an idle stack to an idle stack.

use std::time::Duration;

use serde::Serialize;

use super::super::cores::{self, CpuTimer, quiet};
use super::super::progress;
use super::super::wrk::{self, Fixture, Load, Request};
use super::super::{BenchError, site};
use ctl::stack::Kind;
use servers::affinity::Cores;
use site::{Site, products};

/// Above `admission-limit` (1,024), so that payment refuses the excess.
const MOST_CONNECTIONS: u16 = 2_048;
const FEWEST_CONNECTIONS: u16 = 64;

/// Orders that ended by $1, the end of the load, and the latency of all. In an open loop a key ends with the
/// microsecond of its POST, else with a small number.
const RESULT: &str = "SELECT count(*) FILTER (WHERE ended AND at <= $1),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE ended AND took < 86400),
         percentile_cont(0.99) WITHIN GROUP (ORDER BY took) FILTER (WHERE ended AND took < 86400)
     FROM (SELECT coalesce(o.ended_at, o.settled_at) AS at, o.status IN ('confirmed', 'refunded', 'declined') AS ended,
               extract(epoch FROM coalesce(o.ended_at, o.settled_at))::float8 - substring(o.idempotency_key FROM '[0-9]+$')::float8 / 1e6 AS took
           FROM orders o) AS placed";

/// The result of one load, in orders a second of the offered load.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub offered: f64,
    /// 2xx.
    pub accepted: f64,
    /// 429 or 503.
    pub refused: f64,
    /// Broken connections, and no response within 10 s.
    pub broken: f64,
    /// Orders that ended before the load did.
    pub goodput: f64,
    /// Accepted orders from POST to the end; `None` in a closed loop.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub cores: cores::Cores,
}

impl Step {
    pub fn summary(&self) -> String {
        let Self { offered, accepted, refused, goodput, .. } = self;
        let end = self
            .p50_ms
            .zip(self.p99_ms)
            .map(|(p50, p99)| format!(", to the end p50 {p50:.1} ms, p99 {p99:.1} ms"));
        let disturbed = if self.is_disturbed() { " DISTURBED by others" } else { "" };
        format!(
            "offered {offered:.0}/s, accepted {accepted:.0}/s, refused {refused:.0}/s, to their end {goodput:.0}/s{}; {}{disturbed}",
            end.unwrap_or_default(),
            progress::cores(&self.cores)
        )
    }

    pub fn is_disturbed(&self) -> bool {
        cores::disturbed(&self.cores)
    }
}

pub struct Trial<'a> {
    pub site: &'a mut Site,
    /// `None`: the generator shares all cores.
    pub cores: Option<Cores>,
    pub patience: Duration,
}

impl Trial<'_> {
    /// Offers orders of `customers` with one order at a time each.
    pub async fn closed(&mut self, customers: u16, time: Duration) -> Result<Step, BenchError> {
        self.offer(Load { apart: self.cores, ..Load::orders(time, customers) }).await
    }

    /// Offers orders in an open loop.
    pub async fn paced(&mut self, per_second: f64, time: Duration) -> Result<Step, BenchError> {
        self.offer(paced(per_second, time, self.cores)).await
    }

    async fn offer(&mut self, load: Load) -> Result<Step, BenchError> {
        self.site.wait_until_ended().await?;
        self.site.empty().await?;
        quiet(self.patience).await;
        // A long ladder outlives a token.
        let fixture: Fixture = self.site.fixture(products()).await?;
        let payment = self.site.database(Kind::Payment);
        let urls = self.site.urls(Kind::Payment);
        let process_groups = self.site.process_groups();
        let timer = CpuTimer::begin(&process_groups);
        let outcome = wrk::run(self.site.folder(), &urls, &fixture, load).await?;
        let over = jiff::Timestamp::now();
        let cores = timer.end(&process_groups);
        self.site.wait_until_ended().await?;
        let row = payment.row(RESULT, &[&over]).await?;
        let ended = row.get::<_, i64>(0);
        let seconds = outcome.seconds();
        let a_second = |orders: u64| orders as f64 / seconds;
        let ms = |column: usize| row.get::<_, Option<f64>>(column).map(|seconds| seconds * 1e3);
        Ok(Step {
            offered: a_second(outcome.sent),
            accepted: a_second(outcome.good()),
            refused: a_second(outcome.refused),
            broken: a_second(outcome.broken),
            goodput: ended as f64 / seconds,
            p50_ms: ms(1),
            p99_ms: ms(2),
            cores,
        })
    }
}

/// An open loop.
pub fn paced(per_second: f64, time: Duration, apart: Option<Cores>) -> Load {
    let gap = Duration::from_secs_f64(1.0 / per_second.max(1.0));
    Load { request: Request::OrderEvery(gap), connections: connections(per_second), time, apart }
}

/// Each connection is used once a second, which prevents the idle timeout.
fn connections(per_second: f64) -> u16 {
    (per_second as u16).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_the_rate_within_bounds() {
        assert_eq!([1.0, 700.0, 1e9].map(connections), [FEWEST_CONNECTIONS, 700, MOST_CONNECTIONS]);
    }
}
