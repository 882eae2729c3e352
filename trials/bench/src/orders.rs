//! Orders in a closed loop, and their ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::BenchError;
use super::cores::{Cores, CpuTimer, micros_per_order, quiet};
use super::plan::BenchPlan;
use super::site::Site;
use super::wrk::{self, Fixture, Load, WrkResult};
use ctl::stack::Kind;

pub const CONNECTIONS: u16 = 64;
/// A read of `/metrics` takes less than a millisecond.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The longest poll, before [`Site::wait_until_ended`] queries.
const WATCHED_FOR: Duration = Duration::from_secs(120);

/// Confirmed orders, others, and the seconds from the first POST to the start of the last commit.
const ENDED: &str = "SELECT count(*) FILTER (WHERE status = 'confirmed'), count(*) FILTER (WHERE status <> 'confirmed'),
     coalesce(extract(epoch FROM max(ended_at) - min(created_at)), 0)::float8 FROM orders WHERE created_at >= $1";

/// A load whose orders were all confirmed.
#[derive(Debug)]
pub struct Sustained {
    pub outcome: WrkResult,
    /// Measured from the first POST to the last confirmation.
    pub confirmed_per_second: f64,
    /// MiB of the three services at the end of the load.
    pub memory: f64,
    pub cores: Cores,
}

impl Sustained {
    pub fn micros_per_order(&self) -> f64 {
        micros_per_order(&self.cores, self.confirmed_per_second)
    }
}

/// Offers orders on an idle machine and waits for the last confirmation. Rows stay in the tables.
pub async fn sustain(
    site: &mut Site,
    plan: &BenchPlan,
    fixture: &Fixture,
    load: Load,
) -> Result<Sustained, BenchError> {
    quiet(plan.patience).await;
    let payment = site.database(Kind::Payment);
    let since: jiff::Timestamp = payment.row("SELECT clock_timestamp()", &[]).await?.get(0);
    let idle = open(site).await?;
    let timer = CpuTimer::begin(&site.process_groups());
    let outcome = wrk::run(site.folder(), &site.urls(Kind::Payment), fixture, load).await?;
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

/// Runs an unmeasured load, and empties the tables.
pub async fn warm_up(site: &mut Site, plan: &BenchPlan, fixture: &Fixture) -> Result<(), BenchError> {
    site.wait_until_ended().await?;
    offer(site, fixture, plan.warm_up, CONNECTIONS).await?;
    site.wait_until_ended().await?;
    site.empty().await
}

/// Offers orders to all running payments.
pub async fn offer(
    site: &Site,
    fixture: &Fixture,
    time: Duration,
    connections: u16,
) -> Result<WrkResult, BenchError> {
    let load = Load::orders(time, connections);
    wrk::run(site.folder(), &site.urls(Kind::Payment), fixture, load).await
}

pub async fn offer_at(
    url: &str,
    site: &Site,
    fixture: &Fixture,
    time: Duration,
    connections: u16,
) -> Result<WrkResult, BenchError> {
    wrk::run(site.folder(), &[url.to_owned()], fixture, Load::orders(time, connections)).await
}

/// Waits until at most `before` orders are open.
pub async fn all_ended(site: &Site, before: i64) -> Result<(), BenchError> {
    let began = Instant::now();
    while open(site).await? > before && began.elapsed() < WATCHED_FOR {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Counts by the metrics of all running payments since their start, because a query would scan every row.
/// One instance may end the orders of another.
pub async fn open(site: &Site) -> Result<i64, BenchError> {
    let mut open = 0;
    for payment in site.running().filter(|service| service.id().kind == Kind::Payment) {
        open += open_at(payment.metrics_addr()).await?;
    }
    Ok(open)
}

async fn open_at(metrics: SocketAddr) -> Result<i64, BenchError> {
    let url = format!("http://{metrics}/metrics");
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
