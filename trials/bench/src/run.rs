//! Every measurement once a round.

use std::path::PathBuf;

use super::machine::Machine;
use super::progress::Progress;
use super::report::Report;
use super::site::Site;
use super::{
    BenchError, BenchPlan, Measure, Reading, awaited, backlog, browse, overload, paced, stored, system,
    yardsticks,
};

/// Measures a private stack. `binaries` is by default the folder of this program.
///
/// # Errors
/// The stack fails to start, a generator is missing, or orders stay open.
pub async fn run(
    plan: &BenchPlan,
    binaries: Option<PathBuf>,
    progress: &Progress,
) -> Result<Report, BenchError> {
    let mut site = Site::start(binaries).await?;
    let measured = rounds(&mut site, plan, progress).await;
    progress.finish();
    if let Err(BenchError::OrdersStillOpen { .. }) = measured {
        site.keep_folder();
    }
    let report = Report::new(&measured?, plan, Machine::of(&site).await?);
    site.stack.stop_all().await?;
    Ok(report)
}

async fn rounds(site: &mut Site, plan: &BenchPlan, progress: &Progress) -> Result<Vec<Reading>, BenchError> {
    let mut readings = Vec::new();
    for round in 1..=plan.rounds {
        for measure in &plan.measures {
            readings.push(undisturbed(site, plan, progress, round, *measure).await?);
        }
    }
    Ok(readings)
}

/// Repeats a disturbed measurement as the plan allows. The least disturbed one counts.
async fn undisturbed(
    site: &mut Site,
    plan: &BenchPlan,
    progress: &Progress,
    round: usize,
    measure: Measure,
) -> Result<Reading, BenchError> {
    let mut repeats = plan.repeats;
    let mut before = None;
    loop {
        progress.begin(round, measure);
        let reading = Reading { round, ..Box::pin(read(site, plan, progress, measure)).await? };
        let again = reading.is_disturbed() && repeats > 0;
        progress.end(&reading, again);
        let best = reading.least_disturbed(before.take());
        if !again {
            return Ok(best);
        }
        (repeats, before) = (repeats - 1, Some(best));
    }
}

async fn read(
    site: &mut Site,
    plan: &BenchPlan,
    progress: &Progress,
    measure: Measure,
) -> Result<Reading, BenchError> {
    match measure {
        Measure::Y1 => yardsticks::y1(site, plan).await,
        Measure::Y1s => yardsticks::y1s(site, plan).await,
        Measure::Y2 => yardsticks::y2(site, plan).await,
        Measure::E2e => system::end_to_end(site, plan).await,
        Measure::Hot => system::hot(site, plan).await,
        Measure::Wait64 => awaited::orders(site, plan, awaited::WAIT_64).await,
        Measure::Wait512 => awaited::orders(site, plan, awaited::WAIT_512).await,
        Measure::TwoInstances => system::two_instances(site, plan).await,
        Measure::Stored => stored::stored(site, plan).await,
        Measure::TenMinutes => overload::ten_minutes(site, plan, progress.bar()).await,
        Measure::Consumer => backlog::consumer(site, plan).await,
        Measure::Post => backlog::post(site, plan).await,
        Measure::Ungrouped => system::ungrouped(site, plan).await,
        Measure::Drain => backlog::drain(site, plan).await,
        Measure::Single => system::single(site, plan).await,
        Measure::Browse => browse::browse(site, plan).await,
        Measure::Latency => paced::latency(site, plan).await,
    }
}
