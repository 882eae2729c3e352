//! F24, F27, F29: faults with a load of their own for `--minutes` at `--rate`.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::injected::InjectedFault;
use super::poison::slowest_but_two;
use super::streams::main_stream;
use crate::ChaosError;
use crate::arena::Arena;
use crate::resource_usage::ResourceUsage;
use crate::schedule::PlannedFault;
use crate::sustained_load::SustainedLoad;
use ctl::load::{Arrivals, Load, LoadPlan, LoadReport, Mix};
use ctl::stack::Kind;
use ctl::wait;

/// More than all instances admit.
const IN_FLIGHT: usize = 2048;
const PATIENCE: Duration = Duration::from_secs(120);
/// The least ratio of drain to intake.
const TIMES: f64 = 2.0;
/// A smaller backlog drains while the instances start.
const MEASURABLE: Duration = Duration::from_secs(30);
/// 15 minutes of load at twice the intake, with some room.
const DRAINED_WITHIN: Duration = Duration::from_secs(1200);
/// The difference that two busy cores make.
const NOISE: Duration = Duration::from_millis(500);
const OPEN: &str = "SELECT count(*) FROM orders WHERE status IN ('pending', 'completed')";
/// In flight when a relay counts the unread: two batches (512) of two instances.
const ON_THEIR_WAY: u64 = 1024;

/// The checker verifies these orders as well.
async fn load(arena: &Arena, seed: u64) -> Result<Load, ChaosError> {
    let SustainedLoad { time, rate, .. } = arena.sustained_load;
    let mix = Mix {
        customers: 8,
        products: 12,
        hot: 0.0,
        hot_stock: 1,
        scarce: 0.05,
        several_lines: 0.3,
        odd_methods: 0.0,
    };
    let plan = LoadPlan {
        orders: None,
        time: Some(time),
        arrivals: Arrivals::Rate(rate),
        in_flight: IN_FLIGHT,
        metered: false,
        follow: false,
        retry: true,
        mix,
        seed,
        patience: PATIENCE,
    };
    let admin = &arena.stack.credentials().admin;
    Load::prepare(arena.shop(), admin, plan, arena.log.clone())
        .await
        .map_err(|error| ChaosError::Load(error.to_string()))
}

async fn under(arena: &Arena, load: Load) -> Result<(LoadReport, ResourceUsage), ChaosError> {
    let mut usage = ResourceUsage::default();
    let mut running = JoinSet::new();
    running.spawn(async move { load.run().await });
    let report = tokio::select! {
        report = running.join_next() => report,
        never = usage.collect(arena) => match never {},
    };
    let report = report.and_then(Result::ok).ok_or_else(|| ChaosError::Load("it broke off".to_owned()))?;
    Ok((report, usage))
}

fn show(arena: &mut Arena, what: &str, report: &LoadReport, usage: &ResourceUsage) -> Result<(), ChaosError> {
    let SustainedLoad { time, rate, .. } = &arena.sustained_load;
    let minutes = time.as_secs_f64() / 60.0;
    let mib = usage.peak("redis_bytes") >> 20;
    let accepted = report.accepted;
    let wanted = rate * time.as_secs_f64();
    let rows = usage.peak("outbox_rows_payment");
    arena.measured.push(format!(
        "{what}: {accepted} orders accepted of {wanted:.0} in {minutes:.1} min; at most {mib} MiB in Redis, {rows} rows in payment's outbox"
    ));
    usage.draw(&arena.sustained_load, &format!("{what}: {rate} orders/s for {minutes:.1} minutes"))
}

/// F27: resource usage stays level.
pub async fn soak(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let load = load(arena, u64::from(planned.draw)).await?;
    let (report, usage) = under(arena, load).await?;
    usage.judge(arena);
    show(arena, "soak", &report, &usage)?;
    let recovering = arena.begin_recovery(planned.limit());
    match report.accepted {
        0 => Err(ChaosError::NotLanded("no order was accepted".to_owned())),
        accepted => Ok(InjectedFault { evidence: format!("{accepted} orders were accepted"), recovering }),
    }
}

/// F24: orders wait in PostgreSQL, and drain at twice the intake.
pub async fn inventory_away(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let load = load(arena, u64::from(planned.draw)).await?;
    all_orders_end(arena, PATIENCE).await?;
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.kill9(*id).await?;
    }
    let (report, usage) = under(arena, load).await?;
    unread_is_bounded(arena, &usage).await?;
    show(arena, "inventory-away", &report, &usage)?;
    let waiting = arena.database(Kind::Payment).number(OPEN, &[]).await?;
    let began = Instant::now();
    for id in &inventories {
        arena.stack.restart(*id).await?;
    }
    all_orders_end(arena, DRAINED_WITHIN).await?;
    judge_drain(arena, waiting, began.elapsed(), report.accepted);
    Ok(InjectedFault {
        evidence: format!("{waiting} orders waited while no inventory ran"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

fn judge_drain(arena: &mut Arena, waiting: i64, took: Duration, accepted: u64) {
    let intake = accepted as f64 / arena.sustained_load.time.as_secs_f64();
    let drain = waiting as f64 / took.as_secs_f64();
    arena.measured.push(format!(
        "inventory-away: {intake:.0} orders/s in, {drain:.0}/s out (the restarts included), ratio {:.2}",
        drain / intake
    ));
    let is_slow = arena.sustained_load.time >= MEASURABLE && drain < TIMES * intake;
    let slow = is_slow.then(|| format!("drained at {:.2} times the intake, not {TIMES}", drain / intake));
    arena.findings.extend(slow.clone());
    arena.invariants.progress.note("inventory-away", slow);
}

/// Each event must be among the unread entries once.
async fn unread_is_bounded(arena: &mut Arena, usage: &ResourceUsage) -> Result<(), ChaosError> {
    let (stream, group) = main_stream(Kind::Inventory);
    let redis = arena.redis()?;
    let groups = redis.groups(stream).await?;
    let last = groups
        .iter()
        .find(|known| known.get("name").is_some_and(|name| name == group))
        .and_then(|known| known.get("last-delivered-id"));
    let events = redis.events_behind(stream, last.map_or("0-0", String::as_str)).await?;
    let different: HashSet<&String> = events.iter().collect();
    let twice = events.len() - different.len();
    let most = arena.profile.stream_backlog() + ON_THEIR_WAY;
    let unread = events.len() as u64;
    arena
        .measured
        .push(format!("inventory-away: {unread} entries unread in {stream}, {twice} of them twice"));
    let unbounded = (unread > most).then(|| format!("{unread} entries are unread, more than {most}"));
    // Beside other tests Redis may answer too late, and a few are published again.
    let few = if cfg!(debug_assertions) { events.len() / 10 } else { 0 };
    let doubled =
        (twice > few).then(|| format!("{twice} events are in {stream} again while their copy is unread"));
    arena.findings.extend(unbounded.iter().chain(&doubled).cloned());
    arena.invariants.bounds.note(&format!("entries of {stream}"), unbounded);
    arena.invariants.bounds.note("events published again", doubled);
    let redis_bytes = usage.peak("redis_bytes");
    arena
        .invariants
        .bounds
        .note("memory of Redis", (redis_bytes == 0).then(|| "could not be read".to_owned()));
    Ok(())
}

async fn all_orders_end(arena: &Arena, within: Duration) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    Ok(wait::until("every order is at its end", within, async || match payment.number(OPEN, &[]).await {
        Ok(0) => Ok(()),
        Ok(open) => Err(format!("{open} are not")),
        Err(error) => Err(error.to_string()),
    })
    .await?)
}

/// F29: a transaction keeps all row versions alive, as pg_dump does.
pub async fn snapshot(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let load = load(arena, u64::from(planned.draw)).await?;
    let mut running = JoinSet::new();
    let time = arena.sustained_load.time;
    running.spawn(async move { load.run().await });
    // Skips the start of the load.
    sleep(time / 10).await;
    let before = slowest_but_two(arena).await?;
    let begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM outbox";
    let held = [
        arena.database(Kind::Payment).hold(begin).await?,
        arena.database(Kind::Inventory).hold(begin).await?,
    ];
    sleep(time.mul_f64(0.6)).await;
    let meanwhile = slowest_but_two(arena).await?;
    let report = running.join_next().await.and_then(Result::ok);
    for transaction in held {
        transaction.release().await?;
    }
    let recovering = arena.begin_recovery(planned.limit());
    arena.measured.push(format!(
        "snapshot: slowest order but two to its end {before:.0?} before it, {meanwhile:.0?} with it"
    ));
    let slow = (meanwhile > before * 2 + NOISE)
        .then(|| format!("a snapshot slowed orders from {before:.0?} to {meanwhile:.0?}"));
    arena.findings.extend(slow.clone());
    arena.invariants.progress.note("beside a snapshot", slow);
    let accepted = report.map_or(0, |report| report.accepted);
    Ok(InjectedFault {
        evidence: format!("a snapshot was held for {:.0?} under {accepted} orders", time.mul_f64(0.6)),
        recovering,
    })
}
