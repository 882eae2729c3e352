//! The yardsticks by pgbench.

use super::cores::{Cores, CpuTimer, quiet};
use super::database::Database;
use super::pgbench::{self, Run, Script};
use super::plan::BenchPlan;
use super::site::Site;
use super::{BenchError, Figure, Measure, Reading};
use ctl::stack::Kind;

/// One commit at a time, shared commits, and the connections of wrk. Loads last as long as those of the
/// system, because pgbench slows as its tables grow.
const CLIENTS: [u16; 3] = [1, 16, 64];
const EMPTY: [(Kind, &[&str]); 2] = [
    (Kind::Payment, &["TRUNCATE orders, charges_due, outbox", "CHECKPOINT"]),
    (Kind::Inventory, &["TRUNCATE inbox", "VACUUM FULL products", "CHECKPOINT"]),
];

pub async fn y1(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let best = best(site, plan, Kind::Payment, Script::OrderTransaction).await?;
    Ok(best.reading(Measure::Y1, vec![(Figure::Y1, best.per_second)]))
}

pub async fn y1s(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let best = best(site, plan, Kind::Payment, Script::OrderStatement).await?;
    let p50 = best.p50_ms.map(|p50| (Figure::Y1sP50, p50));
    Ok(best.reading(Measure::Y1s, [(Figure::Y1s, best.per_second)].into_iter().chain(p50).collect()))
}

pub async fn y2(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let best = best(site, plan, Kind::Inventory, Script::Hot).await?;
    Ok(best.reading(Measure::Y2, vec![(Figure::Y2, best.per_second)]))
}

/// The result with the best number of clients.
#[derive(Debug, Default)]
struct Best {
    per_second: f64,
    /// With one client.
    p50_ms: Option<f64>,
    cores: Cores,
    notes: Vec<String>,
}

impl Best {
    fn reading(&self, measure: Measure, figures: Vec<(Figure, f64)>) -> Reading {
        Reading { notes: self.notes.clone(), ..Reading::new(measure, figures, self.cores.clone()) }
    }
}

async fn best(site: &mut Site, plan: &BenchPlan, of: Kind, script: Script) -> Result<Best, BenchError> {
    let url = site.yardstick_url(of);
    let programs = site.postgres_programs();
    let mut best = Best::default();
    for clients in CLIENTS {
        empty(site, of).await?;
        quiet(plan.patience).await;
        let timer = CpuTimer::begin(&site.process_groups());
        let outcome = pgbench::run(
            &programs,
            site.folder(),
            &url,
            Run { script, clients, seconds: plan.time.as_secs() },
        )
        .await?;
        let cores = timer.end(&site.process_groups());
        best.notes.push(format!("{clients} clients {:.0}/s", outcome.per_second));
        best.p50_ms = best.p50_ms.or(outcome.p50_ms);
        if outcome.per_second > best.per_second {
            (best.per_second, best.cores) = (outcome.per_second, cores);
        }
    }
    Ok(best)
}

async fn empty(site: &Site, of: Kind) -> Result<(), BenchError> {
    let statements = EMPTY.iter().find(|(kind, _)| *kind == of).map_or(&[][..], |(_, statements)| statements);
    Database::at(site.yardstick_url(of)).execute(statements).await
}
