//! The end of a run: wait until it is quiet, verify, judge.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::arena::Arena;
use super::fault::Fault;
use super::faults::stale_group::names_are_gone;
use super::profile::UNOPTIMISED;
use super::report::Report;
use super::sampling::{Samples, Sampling};
use ctl::wait;

use super::ChaosError;
use ctl::load::LoadReport;
use ctl::verify::{self, Evidence, Sources, Verdict};

/// Quiet: every order final, every stream and outbox empty.
const QUIET_FOR: Duration = Duration::from_secs(3);
const QUIET_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Sampled breaches that the verdict names.
const SHOWN: usize = 5;

pub async fn conclude(
    arena: &mut Arena,
    report: &mut Report,
    load: Option<LoadReport>,
    sampling: Sampling,
) -> Result<(), ChaosError> {
    let sources = arena.sources();
    arena.progress.line("waiting until it is quiet");
    if let Err(pending_work) = quiet(&sources).await {
        report.reasons.push(format!("not quiet within {QUIET_WITHIN:?}: {pending_work}"));
    }
    arena.revive().await?;
    catalogues_agree(arena, &sources).await;
    names_are_gone(arena).await;
    let evidence = Evidence { client_log: Some(arena.folder.client_log()) };
    let mut verdict =
        verify::verify(&sources, &evidence).await.map_err(|error| ChaosError::Verify(error.to_string()))?;
    let samples = sampling.end().await;
    judge_run_invariants(arena, &samples, &mut verdict);
    judge(report, &verdict, load.as_ref());
    report.samples = samples.count;
    sampled(report, &samples.breaches);
    report.reasons.append(&mut arena.findings);
    report.measured.append(&mut arena.measured);
    report.checks = verdict.checks;
    report.load = load;
    Ok(())
}

/// Waits for the comparison of payment, which finds a lost `product_changed`.
async fn catalogues_agree(arena: &Arena, sources: &Sources) {
    arena.progress.line("waiting until the catalogues agree");
    _ = wait::until("the catalogues agree", arena.profile.catalogues_agree(), async || {
        match verify::disagreements(sources).await {
            Ok(found) if found.is_empty() => Ok(()),
            Ok(found) => Err(found.join("; ")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
}

fn judge_run_invariants(arena: &mut Arena, samples: &Samples, verdict: &mut Verdict) {
    let mut invariants = std::mem::take(&mut arena.invariants);
    invariants.readiness.add_passed(samples.readiness_probes);
    samples.readiness.iter().for_each(|breach| invariants.readiness.note("a sample", Some(breach.clone())));
    invariants.into_checks(&mut verdict.checks);
}

/// Counts breaches that healed later as well.
fn sampled(report: &mut Report, breaches: &BTreeSet<String>) {
    let oversold = breaches.iter().filter(|breach| breach.starts_with("I2")).count() as u64;
    report.oversold += oversold;
    report.lost += breaches.len() as u64 - oversold;
    report.reasons.extend(breaches.iter().take(SHOWN).map(|breach| format!("a sample found: {breach}")));
    if let Some(more) = breaches.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        report.reasons.push(format!("samples found {more} more like these"));
    }
}

async fn quiet(sources: &Sources) -> Result<(), String> {
    let deadline = Instant::now() + QUIET_WITHIN;
    let mut since = Instant::now();
    loop {
        let pending_work = match verify::pending_work(sources).await {
            Ok(pending_work) => pending_work,
            Err(error) => vec![error.to_string()],
        };
        if !pending_work.is_empty() {
            since = Instant::now();
        }
        if since.elapsed() >= QUIET_FOR {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(pending_work.join("; "));
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn judge(report: &mut Report, verdict: &Verdict, load: Option<&LoadReport>) {
    for fault in &report.faults {
        let wrong =
            fault.wrong.iter().map(|wrong| format!("fault {} ({}): {wrong}", fault.number, fault.fault));
        report.reasons.extend(wrong);
    }
    report.reasons.extend(verdict.broken().map(|check| format!("{} {} is broken", check.id, check.name)));
    let Some(load) = load else { return };
    report.orders = load.sent;
    report.stuck = load.stuck.len();
    if !load.stuck.is_empty() {
        report.reasons.push(format!("{} orders never ended: {:?}", load.stuck.len(), load.stuck));
    }
    if load.retry_after_missing > 0 {
        report.reasons.push(format!("{} responses 429 or 503 lacked Retry-After", load.retry_after_missing));
    }
    // Few may be of a busy machine, where the programs are not optimised.
    let few = if UNOPTIMISED.is_zero() { 0 } else { load.sent / 100 };
    if load.timeouts > few {
        report.reasons.push(format!("{} requests took over 5 s", load.timeouts));
    }
    if let Some(failure) = &load.log_failure {
        report.reasons.push(format!("the client log could not be written: {failure}"));
    }
    // Rolling restarts may answer 503, and must break no connection.
    let gentle = report.faults.iter().all(|fault| fault.fault == Fault::RollingRestart);
    if gentle && load.resets > 0 {
        report.reasons.push(format!("{} connections were broken after the request was sent", load.resets));
    }
    let odd = load.statuses.keys().find(|status| (500..600).contains(*status) && **status != 503);
    if let (true, Some(status)) = (gentle, odd) {
        report.reasons.push(format!("requests failed with {status}, not only with 503"));
    }
}
