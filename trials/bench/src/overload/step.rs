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

/// More than payment answers at one time (1,024, `admission-limit`): what is too much has to be refused by
/// it, not held back here.
const MOST_CONNECTIONS: u16 = 2_048;
const FEWEST_CONNECTIONS: u16 = 64;

/// The tables were empty before the load, so every order is one of it. $1: when the load was over.
/// In an open loop a key ends with the microsecond in which it was sent; elsewhere with a small number.
const RESULT: &str = "SELECT count(*) FILTER (WHERE ended AND at <= $1),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE ended AND took < 86400),
         percentile_cont(0.99) WITHIN GROUP (ORDER BY took) FILTER (WHERE ended AND took < 86400)
     FROM (SELECT coalesce(o.ended_at, o.settled_at) AS at, o.status IN ('confirmed', 'refunded', 'declined') AS ended,
               extract(epoch FROM coalesce(o.ended_at, o.settled_at))::float8 - substring(o.idempotency_key FROM '[0-9]+$')::float8 / 1e6 AS took
           FROM orders o) AS placed";

/// What came of a load. Rates are by the seconds in which it was offered.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Orders sent a second.
    pub offered: f64,
    /// Those answered with a 2xx.
    pub accepted: f64,
    /// Those answered otherwise: 429 or 503.
    pub refused: f64,
    /// Those without an answer, by a connection that broke or in 10 s.
    pub broken: f64,
    /// Orders that came to their end a second, before the load was over.
    pub goodput: f64,
    /// From sending to the end, half of the accepted ones. None of a closed loop.
    pub p50_ms: Option<f64>,
    /// 99 of 100.
    pub p99_ms: Option<f64>,
    /// Cores used meanwhile, by name.
    pub cores: cores::Cores,
}

impl Step {
    /// For a person.
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

    /// Others used so much of the machine that it says little.
    pub fn is_disturbed(&self) -> bool {
        cores::disturbed(&self.cores)
    }
}

/// Where loads are offered.
pub struct Trial<'a> {
    /// The stack.
    pub site: &'a mut Site,
    /// Where the generator runs.
    pub cores: Cores,
    /// How long a quiet machine is waited for.
    pub patience: Duration,
}

impl Trial<'_> {
    /// So many customers, each with one order at a time.
    pub async fn closed(&mut self, customers: u16, time: Duration) -> Result<Step, BenchError> {
        self.offer(Load { request: Request::Order, connections: customers, time, apart: Some(self.cores) })
            .await
    }

    /// Orders at a rate, however long the answers take.
    pub async fn paced(&mut self, per_second: f64, time: Duration) -> Result<Step, BenchError> {
        let gap = Duration::from_secs_f64(1.0 / per_second.max(1.0));
        self.offer(Load {
            request: Request::OrderEvery(gap),
            connections: connections(per_second),
            time,
            apart: Some(self.cores),
        })
        .await
    }

    async fn offer(&mut self, load: Load) -> Result<Step, BenchError> {
        self.site.wait_until_ended().await?;
        self.site.empty().await?;
        quiet(self.patience).await;
        // Tokens are good for ten minutes, and a ladder takes longer.
        let fixture: Fixture = self.site.fixture(products()).await?;
        let payment = self.site.database(Kind::Payment);
        let url = self.site.url(Kind::Payment)?;
        let process_groups = self.site.process_groups();
        let timer = CpuTimer::begin(&process_groups);
        let outcome = wrk::run(self.site.folder(), &url, &fixture, load).await?;
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

/// As many as are sent in a second: each is used often enough not to be closed for idleness, and waits a
/// second at most.
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
