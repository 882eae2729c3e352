//! History must not slow new orders.

use super::database::Database;
use super::orders::{CONNECTIONS, sustain, warm_up};
use super::plan::BenchPlan;
use super::site::{Site, products};
use super::wrk::Load;
use super::{BenchError, Figure, Measure, Reading, system};
use ctl::stack::Kind;

const FILL: &str = include_str!("sql/stored.sql");

pub async fn stored(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let mut figures = Vec::new();
    let mut notes = Vec::new();
    let mut cores = Default::default();
    for (figure, stored) in [(Figure::FewStored, plan.stored.0), (Figure::ManyStored, plan.stored.1)] {
        let fixture = site.fixture(products()).await?;
        warm_up(site, plan, &fixture).await?;
        fill(&site.database(Kind::Payment), stored).await?;
        let sustained = sustain(site, plan, &fixture, Load::orders(plan.time, CONNECTIONS)).await?;
        figures.push((figure, sustained.confirmed_per_second));
        notes.push(format!("{stored} stored"));
        notes.extend(system::notes(&sustained.outcome));
        cores = sustained.cores;
    }
    Ok(Reading { notes, ..Reading::new(Measure::Stored, figures, cores) })
}

async fn fill(payment: &Database, stored: u32) -> Result<(), BenchError> {
    let sql = FILL.replace("$1", &stored.to_string());
    let statements: Vec<&str> = sql.split_inclusive(";\n").collect();
    payment.execute(&statements).await
}
