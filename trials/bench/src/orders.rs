//! Orders offered in a closed loop, and what became of them.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::BenchError;
use super::cores::{Cores, CpuTimer, quiet};
use super::plan::BenchPlan;
use super::site::Site;
use super::wrk::{self, Fixture, Load, Request, WrkResult};
use ctl::stack::Kind;

/// The number.
pub const CONNECTIONS: u16 = 64;
/// Asked over HTTP, and rendered in less than a millisecond.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Beyond it the database is asked, which says how many are open.
const WATCHED_FOR: Duration = Duration::from_secs(120);

/// The confirmed ones, the others, and the seconds from the first POST until the last commit began.
const ENDED: &str = "SELECT count(*) FILTER (WHERE status = 'confirmed'), count(*) FILTER (WHERE status <> 'confirmed'),
     coalesce(extract(epoch FROM max(ended_at) - min(created_at)), 0)::float8 FROM orders WHERE created_at >= $1";

/// A load whose orders are all confirmed.
#[derive(Debug)]
pub struct Sustained {
    /// What the customers saw.
    pub outcome: WrkResult,
    /// Confirmed orders a second, from the first POST until the last was.
    pub confirmed_per_second: f64,
    /// The three services at the end of the load, in MiB.
    pub memory: f64,
    /// From the first POST until the last was confirmed.
    pub cores: Cores,
}

/// Warms up, waits for a quiet machine, offers orders, and waits for the last to be confirmed. The tables are
/// left as they are.
pub async fn sustain(site: &mut Site, plan: &BenchPlan, fixture: &Fixture) -> Result<Sustained, BenchError> {
    quiet(plan.patience).await;
    let payment = site.database(Kind::Payment);
    let since: jiff::Timestamp = payment.row("SELECT clock_timestamp()", &[]).await?.get(0);
    let idle = open(site).await?;
    let timer = CpuTimer::begin(&site.process_groups());
    let outcome = offer(site, fixture, plan.time, CONNECTIONS).await?;
    let memory = site.memory();
    all_ended(site, idle).await?;
    let cores = timer.end(&site.process_groups());
    site.wait_until_ended().await?;
    let row = payment.row(ENDED, &[&since]).await?;
    let (confirmed, others, seconds): (i64, i64, f64) = (row.get(0), row.get(1), row.get(2));
    if others > 0 {
        return Err(BenchError::NotConfirmed { all: confirmed + others, others });
    }
    Ok(Sustained { outcome, confirmed_per_second: confirmed as f64 / seconds, memory, cores })
}

/// A short load that does not count; afterwards the tables are empty again.
pub async fn warm_up(site: &mut Site, plan: &BenchPlan, fixture: &Fixture) -> Result<(), BenchError> {
    site.wait_until_ended().await?;
    offer(site, fixture, plan.warm_up, CONNECTIONS).await?;
    site.wait_until_ended().await?;
    site.empty().await
}

/// POST /orders.
pub async fn offer(
    site: &Site,
    fixture: &Fixture,
    time: Duration,
    connections: u16,
) -> Result<WrkResult, BenchError> {
    offer_at(&site.url(Kind::Payment)?, site, fixture, time, connections).await
}

/// The same at another address.
pub async fn offer_at(
    url: &str,
    site: &Site,
    fixture: &Fixture,
    time: Duration,
    connections: u16,
) -> Result<WrkResult, BenchError> {
    wrk::run(site.folder(), url, fixture, Load { request: Request::Order, connections, time, apart: None })
        .await
}

/// Waits until no more orders are open than were before.
pub async fn all_ended(site: &Site, before: i64) -> Result<(), BenchError> {
    let began = Instant::now();
    while open(site).await? > before && began.elapsed() < WATCHED_FOR {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Orders payment took less those it saw end, since it started: to be compared, no more. Asking the database
/// instead would cost a look at every row.
pub async fn open(site: &Site) -> Result<i64, BenchError> {
    let url = format!("http://{}/metrics", site.stack.first(Kind::Payment)?.metrics_addr());
    let asked = async { reqwest::get(&url).await?.text().await };
    let text = asked.await.map_err(|error| BenchError::Io {
        what: format!("read {url}"),
        source: std::io::Error::other(error),
    })?;
    Ok(open_in(&text))
}

fn open_in(metrics: &str) -> i64 {
    let count = |status: &str| {
        let name = format!("orderflow_orders_total{{status=\"{status}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse::<i64>().ok()).unwrap_or(0)
    };
    count("pending") - ["confirmed", "refunded", "declined"].into_iter().map(count).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_orders_are_those_that_were_taken_and_have_not_ended() {
        let metrics = "# TYPE orderflow_orders_total counter
orderflow_orders_total{status=\"pending\"} 100
orderflow_orders_total{status=\"completed\"} 90
orderflow_orders_total{status=\"confirmed\"} 70
orderflow_orders_total{status=\"declined\"} 5
";
        assert_eq!((open_in(metrics), open_in("")), (25, 0));
    }
}
