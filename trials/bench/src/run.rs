//! One run: every measurement once a round, round after round.

use std::path::PathBuf;

use super::live::Live;
use super::machine::Machine;
use super::report::Report;
use super::site::Site;
use super::{BenchError, Measure, Reading, Terms, backlog, paced, redis_disk, stored, system, yardsticks};

/// Starts a stack of its own and measures. `binaries`: where the services' programs are, if not beside this
/// one.
///
/// # Errors
/// [`BenchError`]: of a stack that does not start, a generator that is missing, orders that do not end.
pub async fn run(terms: &Terms, binaries: Option<PathBuf>, live: &Live) -> Result<Report, BenchError> {
    let mut site = Site::start(binaries).await?;
    let measured = rounds(&mut site, terms, live).await;
    live.done();
    if let Err(BenchError::NotSettled { .. }) = measured {
        site.keep_folder();
    }
    let report = Report::new(&measured?, terms, Machine::of(&site).await?);
    site.stack.stop_all().await?;
    Ok(report)
}

async fn rounds(site: &mut Site, terms: &Terms, live: &Live) -> Result<Vec<Reading>, BenchError> {
    let mut readings = Vec::new();
    for round in 1..=terms.rounds {
        for measure in &terms.measures {
            readings.push(undisturbed(site, terms, live, round, *measure).await?);
        }
    }
    Ok(readings)
}

/// Taken again while others disturb it, as often as the terms allow; the least disturbed one counts.
async fn undisturbed(
    site: &mut Site,
    terms: &Terms,
    live: &Live,
    round: usize,
    measure: Measure,
) -> Result<Reading, BenchError> {
    let (mut repeats, mut before) = (terms.repeats, None);
    loop {
        live.begins(round, measure);
        let reading = Reading { round, ..Box::pin(read(site, terms, measure)).await? };
        let again = reading.is_disturbed() && repeats > 0;
        live.ended(&reading, again);
        let best = reading.least_disturbed(before.take());
        if !again {
            return Ok(best);
        }
        (repeats, before) = (repeats - 1, Some(best));
    }
}

async fn read(site: &mut Site, terms: &Terms, measure: Measure) -> Result<Reading, BenchError> {
    match measure {
        Measure::Y1 => yardsticks::y1(site, terms).await,
        Measure::Y1s => yardsticks::y1s(site, terms).await,
        Measure::Y2 => yardsticks::y2(site, terms).await,
        Measure::E2e => system::end_to_end(site, terms).await,
        Measure::Hot => system::hot(site, terms).await,
        Measure::Stored => stored::stored(site, terms).await,
        Measure::Consumer => backlog::consumer(site, terms).await,
        Measure::Post => backlog::post(site, terms).await,
        Measure::Ungrouped => system::ungrouped(site, terms).await,
        Measure::Y1h => yardsticks::y1h(site, terms).await,
        Measure::Drain => backlog::drain(site, terms).await,
        Measure::Single => system::single(site, terms).await,
        Measure::Latency => paced::latency(site, terms).await,
        Measure::Browse => system::browse(site, terms).await,
        Measure::Y4 => redis_disk::y4(site, terms).await,
    }
}
