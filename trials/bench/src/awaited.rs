//! Orders in a closed loop of customers who wait for the end of each (`Prefer: wait=30`).

use super::orders::{sustain, warm_up};
use super::plan::BenchPlan;
use super::site::{Site, products};
use super::wrk::{Load, Request};
use super::{BenchError, Figure, Measure, Reading, system};

/// One connection a customer.
#[derive(Debug)]
pub struct Customers {
    measure: Measure,
    number: u16,
    /// Orders a second, p50, p99, and processor time an order.
    figures: [Figure; 4],
}

pub const WAIT_64: Customers = Customers {
    measure: Measure::Wait64,
    number: 64,
    figures: [Figure::Wait64, Figure::Wait64P50, Figure::Wait64P99, Figure::Wait64Cpu],
};

/// Below `admission-limit` (1,024): payment admits all.
pub const WAIT_512: Customers = Customers {
    measure: Measure::Wait512,
    number: 512,
    figures: [Figure::Wait512, Figure::Wait512P50, Figure::Wait512P99, Figure::Wait512Cpu],
};

pub async fn orders(site: &mut Site, plan: &BenchPlan, customers: Customers) -> Result<Reading, BenchError> {
    let Customers { measure, number, figures } = customers;
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    let load = Load { request: Request::AwaitedOrder, ..Load::orders(plan.time, number) };
    let sustained = sustain(site, plan, &fixture, load).await?;
    let [p50, _, p99] = sustained.outcome.milliseconds();
    let values = [sustained.confirmed_per_second, p50, p99, sustained.micros_per_order()];
    let notes = system::notes(&sustained.outcome);
    let figures = figures.into_iter().zip(values).collect();
    Ok(Reading { notes, ..Reading::new(measure, figures, sustained.cores) })
}
