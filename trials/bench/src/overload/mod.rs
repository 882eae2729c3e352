//! Goodput against offered load, up to several times the capacity.

mod capacity;
mod chart;
mod ladder;
mod report;
mod step;
mod ten_minutes;

use std::path::PathBuf;

pub use chart::svg;
pub use ladder::Ladder;
pub use report::{OverloadReport, Rung};
pub use step::Step;
pub(super) use ten_minutes::ten_minutes;

use super::BenchError;
use super::machine::Machine;
use super::orders::warm_up;
use super::site::{Site, products};
use capacity::Capacity;
use ctl::terminal::{Bar, Colour};
use servers::affinity::Cores;
use step::Trial;

/// Finds the capacity of a private stack, and offers multiples of it. `binaries` is by default the folder of
/// this program.
///
/// # Errors
/// The stack fails to start, a generator is missing, or orders stay open.
pub async fn run(
    ladder: &Ladder,
    binaries: Option<PathBuf>,
    bar: &Bar,
) -> Result<OverloadReport, BenchError> {
    let mut site = Site::start(binaries).await?;
    let measured = measure(&mut site, ladder, bar).await;
    bar.done();
    if let Err(BenchError::OrdersStillOpen { .. }) = measured {
        site.keep_folder();
    }
    let report = measured?;
    site.stack.stop_all().await?;
    Ok(report)
}

async fn measure(site: &mut Site, ladder: &Ladder, bar: &Bar) -> Result<OverloadReport, BenchError> {
    let cores = Cores::divide()?;
    cores.keep_off(site.process_groups().into_iter().flat_map(|(_, ids)| ids))?;
    let fixture = site.fixture(products()).await?;
    warm_up(site, &ladder.warm_up_plan(), &fixture).await?;
    let mut trial = Trial { site, cores: Some(cores), patience: ladder.patience };
    bar.tick();
    bar.now("finding the capacity");
    let found = match ladder.capacity {
        Some(per_second) => Capacity { per_second, probes: Vec::new() },
        None => capacity::find(&mut trial, ladder.probe, bar).await?,
    };
    let mut steps = Vec::new();
    for times in &ladder.times {
        bar.now(format!("{times} times the capacity"));
        let step = trial.paced(found.per_second * times, ladder.time).await?;
        bar.one_more();
        bar.say(format!("{} {}", bar.paint.paint(Colour::Bold, format!("{times:>4} times")), step.summary()));
        steps.push(step);
    }
    Ok(OverloadReport::new(found, steps, ladder, cores.of_the_stack(), Machine::of(trial.site).await?))
}
