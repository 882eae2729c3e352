//! One load of ten minutes below the capacity: the last minute beside the first.

use std::time::{Duration, Instant};

use tokio::time::{interval, sleep};

use super::super::cores::{CpuTimer, quiet};
use super::super::machine::line_of_text;
use super::super::orders::warm_up;
use super::super::report::median;
use super::super::site::{Site, products};
use super::super::{BenchError, BenchPlan, Figure, Measure, Reading, system, wrk};
use super::capacity;
use super::step::{Trial, paced};
use ctl::stack::Kind;
use ctl::terminal::Bar;

/// The rate by the capacity.
const SHARE: f64 = 0.8;
const MINUTES: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Confirmed orders of the first and of the last minute, which has $1 seconds.
const CONFIRMED: &str = "SELECT count(*) FILTER (WHERE ended_at < began + part),
         count(*) FILTER (WHERE ended_at >= began + 9 * part AND ended_at < began + 10 * part)
     FROM orders,
         (SELECT min(created_at) AS began, make_interval(secs => $1::float8) AS part FROM orders) AS bounds
     WHERE status = 'confirmed'";

/// Orders a second, MiB of Redis, and MiB of the services.
type Minute = [f64; 3];

const FIGURES: [Figure; 3] = [Figure::LastByFirst, Figure::RedisLastByFirst, Figure::ServicesLastByFirst];

pub async fn ten_minutes(site: &mut Site, plan: &BenchPlan, bar: &Bar) -> Result<Reading, BenchError> {
    let capacity = capacity(site, plan, bar).await?;
    site.empty().await?;
    quiet(plan.patience).await;
    let fixture = site.fixture(products()).await?;
    let urls = site.urls(Kind::Payment);
    let load = paced(SHARE * capacity, plan.long, None);
    let minute = plan.long / MINUTES;
    let timer = CpuTimer::begin(&site.process_groups());
    let loaded = wrk::run(site.folder(), &urls, &fixture, load);
    let (outcome, memory) = tokio::try_join!(loaded, first_and_last(site, minute))?;
    let cores = timer.end(&site.process_groups());
    site.wait_until_ended().await?;
    let [first, last] = minutes(site, minute, memory).await?;
    let ratios = last.into_iter().zip(first).map(|(last, first)| last / first);
    let figures = FIGURES.into_iter().zip(ratios).collect();
    let offered =
        format!("{:.0}/s of a capacity of {capacity:.0}/s", outcome.sent as f64 / outcome.seconds());
    let parts = vec![offered, described(1, first), described(MINUTES, last)];
    let notes = [parts, system::notes(&outcome)].concat();
    Ok(Reading { notes, ..Reading::new(Measure::TenMinutes, figures, cores) })
}

/// The generator shares all cores, as in the load that follows.
async fn capacity(site: &mut Site, plan: &BenchPlan, bar: &Bar) -> Result<f64, BenchError> {
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    let mut trial = Trial { site, cores: None, patience: plan.patience };
    let probe = (plan.time / 3).max(Duration::from_secs(1));
    Ok(capacity::find(&mut trial, probe, bar).await?.per_second)
}

/// The memory in the first and in the last minute.
async fn first_and_last(site: &Site, minute: Duration) -> Result<[[f64; 2]; 2], BenchError> {
    let last = Instant::now() + minute * (MINUTES - 1);
    let first = memory(site, minute).await?;
    sleep(last.saturating_duration_since(Instant::now())).await;
    Ok([first, memory(site, minute).await?])
}

/// The medians of Redis and of the services over `time`, in MiB.
async fn memory(site: &Site, time: Duration) -> Result<[f64; 2], BenchError> {
    let mut redis = Vec::new();
    let mut services = Vec::new();
    let mut due = interval(LOOK_EVERY);
    let began = Instant::now();
    while began.elapsed() < time {
        due.tick().await;
        redis.push(redis_memory(site).await?);
        services.push(site.memory());
    }
    Ok([redis, services].map(|looks| median(&looks).unwrap_or_default()))
}

async fn redis_memory(site: &Site) -> Result<f64, BenchError> {
    let info = site.redis(&["INFO", "memory"]).await?;
    let bytes = line_of_text(&info, "used_memory:").and_then(|bytes| bytes.parse::<f64>().ok());
    Ok(bytes.unwrap_or_default() / f64::from(1 << 20))
}

async fn minutes(site: &Site, minute: Duration, memory: [[f64; 2]; 2]) -> Result<[Minute; 2], BenchError> {
    let seconds = minute.as_secs_f64();
    let row = site.database(Kind::Payment).row(CONFIRMED, &[&seconds]).await?;
    let of = |index: usize| {
        let [redis, services] = memory[index];
        [row.get::<_, i64>(index) as f64 / seconds, redis, services]
    };
    Ok([of(0), of(1)])
}

fn described(number: u32, minute: Minute) -> String {
    let [confirmed, redis, services] = minute;
    format!("minute {number}: {confirmed:.0}/s, Redis {redis:.0} MiB, services {services:.0} MiB")
}
