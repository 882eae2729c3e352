//! F16: five times the capacity. The goodput stays, the rest is refused, and latency recovers.
//!
//! The load runs on a core of its own, apart from the measured stack.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::load_process::LoadProcess;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;
use servers::affinity::Cores;
use servers::processes;

const CAPACITY_FOR: &str = "10s";
const OVERLOAD_FOR: &str = "60s";
/// Few customers leave the stack idle, many overload it.
const WORKERS: [&str; 3] = ["16", "32", "64"];
/// More than all instances admit (1,024 each), so that the services refuse first.
const IN_FLIGHT: &str = "4096";
const TIMES: f64 = 5.0;
/// A share of the capacity.
const GOODPUT: f64 = 0.9;
/// For POST.
const QUICK: Duration = Duration::from_millis(500);
const NORMAL_WITHIN: Duration = Duration::from_secs(10);
const IDLE_WITHIN: Duration = Duration::from_secs(300);
/// 1,024 admitted requests with bodies of 64 KiB, twice.
const MOST_GROWTH: u64 = 128 << 20;

pub async fn overload(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let cores = Cores::divide()?;
    cores.keep_off(processes(arena)?)?;
    let load = LoadProcess::new(arena, cores)?;
    let mut capacity = 0.0_f64;
    for workers in WORKERS {
        idle(arena).await?;
        let began = Timestamp::now();
        let calm = load.run(arena, &["--workers", workers, "--time", CAPACITY_FOR]).await?;
        capacity = capacity.max(finished(arena, began, &calm.report).await?);
    }
    arena.progress.line(format!("  capacity: {capacity:.0} orders/s from POST to their end"));
    idle(arena).await?;
    let rate = format!("{:.0}", (capacity * TIMES).max(1.0));
    let began = Timestamp::now();
    let storm = load
        .run(arena, &["--rate", &rate, "--in-flight", IN_FLIGHT, "--time", OVERLOAD_FOR, "--no-retry"])
        .await?;
    let goodput = finished(arena, began, &storm.report).await?;
    let normal = quick_again(arena).await;
    cores.free(processes(arena)?)?;
    judge(arena, goodput, capacity, &storm);
    let normal = normal?;
    let recovering = arena.begin_recovery(planned.limit());
    arena.measured.push(format!(
        "overload: a new order is accepted within {QUICK:?} again after {:.1} s",
        normal.as_secs_f64()
    ));
    let sent = storm.report["sent"].as_f64().unwrap_or_default()
        / storm.report["sending_seconds"].as_f64().unwrap_or(1.0);
    match sent >= capacity * 2.0 {
        true => Ok(InjectedFault {
            evidence: format!("{sent:.0} orders/s offered for {OVERLOAD_FOR}, capacity {capacity:.0}"),
            recovering,
        }),
        false => Err(ChaosError::NotLanded(format!(
            "only {sent:.0} orders/s were offered, capacity {capacity:.0}"
        ))),
    }
}

fn processes(arena: &mut Arena) -> Result<Vec<i32>, ChaosError> {
    let mut ids: Vec<i32> = arena.stack.services().map(ctl::stack::Service::pid).collect();
    ids.extend(arena.redis_server()?.pid());
    ids.extend(arena.postgres_server()?.pid().map(processes::family).unwrap_or_default());
    ids.push(processes::own());
    Ok(ids)
}

/// Orders a second that ended during the load.
async fn finished(arena: &Arena, began: Timestamp, report: &Value) -> Result<f64, ChaosError> {
    let ended = "WITH run AS (SELECT status, created_at, coalesce(ended_at, settled_at) AS ended FROM orders WHERE created_at >= $1)
        SELECT count(*) FROM run WHERE status IN ('confirmed', 'refunded', 'declined') AND ended <= (SELECT max(created_at) FROM run)";
    let orders = arena.database(Kind::Payment).number(ended, &[&began]).await?;
    Ok(orders as f64 / report["sending_seconds"].as_f64().unwrap_or(f64::INFINITY))
}

fn judge(arena: &mut Arena, goodput: f64, capacity: f64, storm: &crate::load_process::LoadResult) {
    let report = &storm.report;
    let share = goodput / capacity;
    arena.measured.push(format!(
        "overload: {goodput:.0} orders/s to their end, of a capacity of {capacity:.0}: {share:.2}"
    ));
    arena.measured.push(format!(
        "overload: answers by status {}, left out by the client {}",
        report["statuses"], report["not_offered"]
    ));
    arena.measured.extend(storm.memory.iter().map(|memory| format!("overload: {memory}")));
    if share < GOODPUT {
        arena.findings.push(format!("goodput is {share:.2} of the capacity, not {GOODPUT}"));
    }
    let odd = |status: &&String| !status.starts_with('2') && !matches!(status.as_str(), "429" | "503");
    if let Some(status) = report["statuses"].as_object().and_then(|statuses| statuses.keys().find(odd)) {
        arena.findings.push(format!("overload was answered with {status}, not only with 429 and 503"));
    }
    if report["retry_after_missing"].as_u64() != Some(0) {
        arena.findings.push(format!("{} refusals lacked Retry-After", report["retry_after_missing"]));
    }
    for grown in storm.memory.iter().filter(|memory| memory.most.saturating_sub(memory.before) > MOST_GROWTH)
    {
        arena.findings.push(format!("memory is not bounded: {grown}"));
    }
}

async fn quick_again(arena: &Arena) -> Result<Duration, ChaosError> {
    let began = Instant::now();
    let payments = arena.shop().payment;
    Ok(wait::until("an order is accepted quickly again", NORMAL_WITHIN, async || {
        let answer = arena.buyer.send(&payments[0], &one(PLENTY), &uuid::Uuid::now_v7().to_string()).await;
        match answer.map_err(|error| error.to_string())? {
            answer if answer.is_ok() && answer.took <= QUICK => Ok(began.elapsed()),
            answer => Err(format!("{:?} after {:?}", answer.status, answer.took)),
        }
    })
    .await?)
}

async fn idle(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    let mut before = -1;
    Ok(wait::until("the stack is idle", IDLE_WITHIN, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all =
            payment.number("SELECT count(*) FROM orders", &[]).await.map_err(|error| error.to_string())?;
        let open = payment.open_orders(jiff::Timestamp::now()).await.map_err(|error| error.to_string())?;
        let came = all - std::mem::replace(&mut before, all);
        if (came, open) == (0, 0) {
            Ok(())
        } else {
            Err(format!("{open} orders are open, {came} came within a second"))
        }
    })
    .await?)
}
