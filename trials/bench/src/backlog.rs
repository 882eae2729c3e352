//! Measurements with a service down: orders accepted without consumers, and backlogs drained.

use std::time::Duration;

use tokio::time::sleep;

use super::cores::{CpuTimer, quiet};
use super::database::Database;
use super::orders::{CONNECTIONS, all_ended, offer, offer_at, open, warm_up};
use super::plan::BenchPlan;
use super::site::{HOT, Site, products};
use super::wrk::{Fixture, WrkResult};
use super::{BenchError, Figure, Measure, Reading, system};
use ctl::stack::Kind;

/// Keeps every charge open while payment accepts orders.
const NO_PROVIDER: [(&str, &str); 4] = [
    ("PROVIDER_LATENCY", "1h"),
    ("PROVIDER_TIMEOUT", "2h"),
    ("RECONCILE_AFTER", "1h"),
    ("CHARGE_BACKLOG", "1000000"),
];
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const PENDING: &str = "SELECT count(*) FROM orders WHERE status = 'pending'";
const WAITING: &str = "SELECT count(*) FROM orders WHERE status = 'completed'";
/// Seconds from the first confirmation to the last, without the start of inventory.
const DRAINED: &str =
    "SELECT coalesce(extract(epoch FROM max(ended_at) - min(ended_at)), 0)::float8 FROM orders";
/// Rows before the last transaction, and their seconds: a row carries the start of its transaction.
const TAKEN: &str =
    "SELECT count(*) FILTER (WHERE at < last), coalesce(extract(epoch FROM max(at) - min(at)), 0)::float8
     FROM stock_ledger, (SELECT max(at) AS last FROM stock_ledger) AS end_of_it";

pub async fn post(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    site.end(Kind::Inventory).await?;
    let payment = site.replace(Kind::Payment, &NO_PROVIDER).await?;
    offer_at(&payment.url, site, &fixture, plan.warm_up, CONNECTIONS).await?;
    site.empty().await?;
    quiet(plan.patience).await;
    let timer = CpuTimer::begin(&site.process_groups());
    let outcome = offer_at(&payment.url, site, &fixture, plan.time, CONNECTIONS).await?;
    let cores = timer.end(&site.process_groups());
    site.bring_back(payment).await?;
    site.begin(Kind::Inventory).await?;
    Ok(Reading {
        notes: system::notes(&outcome),
        ..Reading::new(Measure::Post, vec![(Figure::AcceptedAlone, outcome.per_second())], cores)
    })
}

pub async fn drain(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    let idle = open(site).await?;
    site.end(Kind::Inventory).await?;
    quiet(plan.patience).await;
    let timer = CpuTimer::begin(&site.process_groups());
    let payment = site.database(Kind::Payment);
    let (outcome, waiting) = pile_up(site, plan, &fixture).await?;
    let cores = timer.end(&site.process_groups());
    quiet(plan.patience).await;
    site.begin(Kind::Inventory).await?;
    all_ended(site, idle).await?;
    site.wait_until_ended().await?;
    let seconds: f64 = payment.row(DRAINED, &[]).await?.get(0);
    let backlog = format!("a backlog of {waiting} events, taken in at {:.0}/s", outcome.per_second());
    let notes = [system::notes(&outcome), vec![backlog]].concat();
    Ok(Reading {
        notes,
        ..Reading::new(Measure::Drain, vec![(Figure::Drained, waiting as f64 / seconds)], cores)
    })
}

pub async fn consumer(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(vec![HOT.to_owned()]).await?;
    warm_up(site, plan, &fixture).await?;
    site.end(Kind::Inventory).await?;
    let (_, waiting) = pile_up(site, plan, &fixture).await?;
    site.end(Kind::Payment).await?;
    let stock = site.database(Kind::Inventory);
    let left = on_hand(&stock).await? - waiting;
    quiet(plan.patience).await;
    let timer = CpuTimer::begin(&site.process_groups());
    site.begin(Kind::Inventory).await?;
    while on_hand(&stock).await? > left {
        sleep(LOOK_AGAIN).await;
    }
    let cores = timer.end(&site.process_groups());
    let taken = stock.row(TAKEN, &[]).await?;
    site.begin(Kind::Payment).await?;
    site.wait_until_ended().await?;
    let figures = vec![(Figure::HotConsumed, taken.get::<_, i64>(0) as f64 / taken.get::<_, f64>(1))];
    Ok(Reading {
        notes: vec![format!("a backlog of {waiting} events")],
        ..Reading::new(Measure::Consumer, figures, cores)
    })
}

/// Offers orders until enough wait for inventory. Returns the last load, and the number of those orders.
async fn pile_up(site: &Site, plan: &BenchPlan, fixture: &Fixture) -> Result<(WrkResult, i64), BenchError> {
    let payment = site.database(Kind::Payment);
    loop {
        // Short loads keep the backlog close to its target.
        let outcome = offer(site, fixture, plan.warm_up, CONNECTIONS).await?;
        let waiting = published(&payment).await?;
        if waiting >= plan.backlog {
            return Ok((outcome, waiting));
        }
    }
}

/// Returns the number of orders that wait for inventory, once all are paid.
async fn published(payment: &Database) -> Result<i64, BenchError> {
    while payment.number(PENDING).await? > 0 {
        sleep(LOOK_AGAIN).await;
    }
    payment.number(WAITING).await
}

async fn on_hand(stock: &Database) -> Result<i64, BenchError> {
    stock.number(&format!("SELECT on_hand::bigint FROM products WHERE sku = '{HOT}'")).await
}
