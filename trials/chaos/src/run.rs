//! One run, from an empty folder to the verdict.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::arena::{self, Arena};
use super::conclusion::conclude;
use super::fault::Fault;
use super::faults::{self, InjectedFault};
use super::folder::RunFolder;
use super::invariant_watch::InvariantWatch;
use super::profile::Profile;
use super::progress::Progress;
use super::recovery::{Recovery, seconds};
use super::report::{FaultReport, Report};
use super::resource_usage::ResourceUsage;
use super::sampling::Sampling;
use super::schedule::{self, Choice, PlannedFault, ScheduleOptions};
use super::sustained_load::SustainedLoad;
use ctl::wait;

use super::ChaosError;
use ctl::load::{Arrivals, Load, LoadPlan, LoadReport, Mix};
use ctl::stack::Kind;

/// Seconds, long enough to be hit while orders are sent.
const ORDERS_LAST: f64 = 2.5;
/// Orders a second, within reach of a debug build on two busy cores.
const RATES: std::ops::RangeInclusive<f64> = 5.0..=120.0;
/// Covers a stack that stands still for some seconds.
const IN_FLIGHT: usize = 1000;
/// Twice the longest recovery limit of 60 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// The load stops while the stack does.
const SENT_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct RunOptions {
    pub schedule: ScheduleOptions,
    pub orders: u64,
    pub profile: Profile,
    pub sustained_load: SustainedLoad,
    /// `shopctl verify --watch` looks on.
    pub watch: bool,
    /// Keeps the stack and the folder after any verdict.
    pub keep: bool,
    pub repeat: String,
}

/// Orders of the load during a fault that places thousands itself.
const BESIDE_MANY: u64 = 1000;

impl RunOptions {
    /// `outbox-large` places its own orders.
    fn sent(&self) -> u64 {
        if self.schedule.choice.names(Fault::OutboxLarge) {
            self.orders.min(BESIDE_MANY)
        } else {
            self.orders
        }
    }
}

/// Returns the running stack. An error prevents a verdict.
pub async fn run(options: &RunOptions, progress: Progress) -> Result<(Report, Arena), ChaosError> {
    let began = Instant::now();
    let schedule = schedule::plan(&options.schedule);
    faults::check(&schedule)?;
    progress.line(format!(
        "seed {}: starting PostgreSQL, Redis, user, {1} inventory, {1} payment",
        options.schedule.seed, options.schedule.instances
    ));
    let mut arena = Arena::start(&arena_options(options), RunFolder::new()?, progress.clone()).await?;
    if options.keep {
        arena.folder.keep();
    }
    let load = prepare(options, &arena).await?;
    let sampling = Sampling::begin(&arena, &load, options.sent());
    let mut report = empty(options, schedule.len());
    let watch = if options.watch { Some(InvariantWatch::begin(&arena).await?) } else { None };
    let orders_began = Instant::now();
    let load_report = events(&mut arena, &load, options, &schedule, &mut report).await?;
    let faults_ended = Instant::now();
    conclude(&mut arena, &mut report, load_report, sampling).await?;
    if let Some(watch) = watch {
        report.reasons.extend(watch.end(orders_began, faults_ended).await);
    }
    report.seconds = began.elapsed().as_secs_f64();
    report.count();
    if !report.green {
        arena.folder.keep();
    }
    report.folder = (options.keep || !report.green).then(|| arena.folder.path().to_path_buf());
    progress.finish();
    Ok((report, arena))
}

fn arena_options(options: &RunOptions) -> arena::ArenaOptions {
    arena::ArenaOptions {
        profile: options.profile,
        instances: options.schedule.instances,
        partitions: options.schedule.choice.names(Fault::Partitions),
        sustained_load: options.sustained_load.clone(),
        // A mix counts the orders of all faults, so `outbox-large` uses its default.
        orders: if options.schedule.choice == Choice::Random { 0 } else { options.orders },
        small_disk: options.schedule.choice.names(Fault::DiskFull),
    }
}

async fn prepare(options: &RunOptions, arena: &Arena) -> Result<Load, ChaosError> {
    let quota = share(options.sent(), options.schedule.faults, 1) as f64;
    let plan = LoadPlan {
        orders: Some(options.sent()),
        time: None,
        arrivals: Arrivals::Rate((quota / ORDERS_LAST).clamp(*RATES.start(), *RATES.end())),
        in_flight: IN_FLIGHT,
        metered: true,
        follow: true,
        retry: true,
        mix: mix(options.sent()),
        seed: options.schedule.seed,
        patience: PATIENCE,
    };
    let admin = &arena.stack.credentials().admin;
    Load::prepare(arena.shop(), admin, plan, arena.log.clone())
        .await
        .map_err(|error| ChaosError::Load(error.to_string()))
}

/// A fifth of the orders is for one product, with stock for half of them.
fn mix(orders: u64) -> Mix {
    let hot_stock = u32::try_from(orders / 10).unwrap_or(u32::MAX).max(1);
    Mix {
        customers: 8,
        products: 12,
        hot: 0.2,
        hot_stock,
        scarce: 0.05,
        several_lines: 0.3,
        odd_methods: 0.02,
    }
}

/// The shares add up to all orders; `number` counts from 1.
fn share(orders: u64, faults: usize, number: usize) -> u64 {
    let faults = faults.max(1) as u64;
    let number = number as u64;
    orders * number / faults - orders * (number - 1) / faults
}

/// Injects the faults in turn, then waits for the end of the load.
async fn events(
    arena: &mut Arena,
    load: &Load,
    options: &RunOptions,
    schedule: &[PlannedFault],
    report: &mut Report,
) -> Result<Option<LoadReport>, ChaosError> {
    let mut running = JoinSet::new();
    let mut usage = ResourceUsage::default();
    let driven = load.clone();
    running.spawn(async move { driven.run().await });
    for planned in schedule {
        let orders = share(options.sent(), schedule.len(), planned.number);
        let fault = one_fault(arena, load, planned, orders).await;
        let lost = fault.recovery.is_none();
        report.faults.push(fault);
        if lost {
            report.reasons.push(format!("the run ended at fault {}: see above", planned.number));
            return Ok(None);
        }
        usage.sample(arena).await;
    }
    if options.schedule.choice == Choice::Random {
        usage.judge(arena);
        usage.draw(
            &options.sustained_load,
            &format!("{} faults, seed {}: after each of them", schedule.len(), options.schedule.seed),
        )?;
    }
    arena.progress.line("waiting for the last orders");
    let ended = timeout(PATIENCE * 2, running.join_next()).await.ok().flatten().and_then(Result::ok);
    if ended.is_none() {
        report.reasons.push(format!("the load did not end within {:?} of its last order", PATIENCE * 2));
    }
    Ok(ended)
}

async fn one_fault(arena: &mut Arena, load: &Load, planned: &PlannedFault, orders: u64) -> FaultReport {
    let spec = planned.fault.spec();
    let number = planned.number;
    let fault = planned.fault;
    let target = planned.target.to_string();
    let mut report = FaultReport {
        number,
        fault,
        kind: spec.number,
        target,
        evidence: None,
        recovery: None,
        wrong: Vec::new(),
    };
    let findings = arena.findings.len();
    match attempt(arena, load, planned, orders, &mut report).await {
        Ok(recovery) => {
            report.recovery = Some(recovery);
            // The recovery has polled `/readyz` of every instance.
            arena.invariants.readiness.add_passed(arena.stack.services().count() as u64);
            arena.invariants.progress.note(&format!("after {fault}"), recovery.exceeded(spec.limits));
            report.wrong.extend(recovery.exceeded(spec.limits));
        }
        Err(error) => report.wrong.push(error.to_string()),
    }
    report.wrong.extend(arena.findings.drain(findings..));
    said(&arena.progress, &report);
    report
}

async fn attempt(
    arena: &mut Arena,
    load: &Load,
    planned: &PlannedFault,
    orders: u64,
    report: &mut FaultReport,
) -> Result<Recovery, ChaosError> {
    let stats = load.stats();
    let due = load.quota().released() + (orders as f64 * planned.at) as u64;
    load.quota().release(orders);
    wait::until("orders are sent", SENT_WITHIN, async || match stats.sent() {
        sent if sent >= due => Ok(()),
        sent => Err(format!("{sent} of {due}")),
    })
    .await?;
    let at = planned
        .failpoint
        .as_ref()
        .map(|(name, nth)| format!(" at {name}, passage {nth}"))
        .unwrap_or_default();
    arena.progress.fault_begins(format!(
        "{} {} {} -> {}{at}",
        planned.number,
        planned.fault,
        planned.fault.spec().number,
        planned.target
    ));
    let recovering = match faults::inject(arena, planned).await {
        Ok(InjectedFault { evidence, recovering }) => {
            arena.progress.line(format!("  {evidence}"));
            report.evidence = Some(evidence);
            recovering
        }
        Err(error) => {
            report.wrong.push(error.to_string());
            heal(arena).await?;
            arena.begin_recovery(planned.fault.spec().limits.ended)
        }
    };
    arena.revive().await?;
    recovering.finish().await
}

/// Reverts a fault that failed half-way. Redis restarts only if it is silent.
async fn heal(arena: &mut Arena) -> Result<(), ChaosError> {
    for lane in arena.network.lanes() {
        lane.postgres.set(super::proxy::Mode::Pass);
        lane.redis.set(super::proxy::Mode::Pass);
    }
    if arena.database(Kind::Payment).number("SELECT 1::bigint", &[]).await.is_err() {
        arena.postgres_server()?.restart().await?;
    }
    if arena
        .redis()?
        .length("order_completed")
        .await
        .is_err_and(|error| !matches!(error, ChaosError::Redis(answer) if answer.code().is_some()))
    {
        arena.redis_server()?.restart().await?;
    }
    faults::take_back(arena).await?;
    let ended: Vec<_> = arena
        .stack
        .services()
        .filter(|service| service.exit_status().is_some())
        .map(|service| service.id())
        .collect();
    for id in ended {
        arena.stack.restart(id).await?;
    }
    for service in arena.stack.services() {
        service.signal(nix::sys::signal::Signal::SIGCONT);
        // Ignored: `user` has no faults to disarm.
        _ = arena.admin.disarm(&service.url()).await;
    }
    Ok(())
}

fn said(progress: &Progress, report: &FaultReport) {
    let name = format!("{} {}", report.number, report.fault);
    match (&report.recovery, report.wrong.is_empty()) {
        (Some(took), true) => progress.recovered(format!(
            "{name}: accepted after {:.1} s, flows after {:.1} s, all ended after {:.1} s",
            seconds(took.accepts_ms),
            seconds(took.flows_ms),
            seconds(took.ended_ms)
        )),
        _ => progress.failed(format!("{name}: {}", report.wrong.join("\n  "))),
    }
}

fn empty(options: &RunOptions, planned: usize) -> Report {
    Report {
        green: false,
        reasons: Vec::new(),
        orders: 0,
        planned,
        landed: 0,
        recovery_p50_ms: None,
        recovery_p100_ms: None,
        samples: 0,
        lost: 0,
        duplicated: 0,
        oversold: 0,
        stuck: 0,
        faults: Vec::new(),
        checks: Vec::new(),
        measured: Vec::new(),
        load: None,
        instances: options.schedule.instances,
        profile: options.profile,
        seed: options.schedule.seed,
        repeat: options.repeat.clone(),
        folder: None,
        seconds: 0.0,
    }
}

#[must_use]
pub fn usual_faults(choice: &Choice) -> usize {
    match choice {
        Choice::Random => 10,
        // Several faults are injected once each.
        Choice::These(faults) if faults.len() == 1 => faults[0].spec().usual as usize,
        Choice::These(faults) => faults.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_all_faults_are_all_orders() {
        for (orders, faults) in [(1000, 10), (1000, 7), (3, 10), (20_000, 200)] {
            assert_eq!((1..=faults).map(|number| share(orders, faults, number)).sum::<u64>(), orders);
        }
    }
}
