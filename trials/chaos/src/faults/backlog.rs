//! F17: 10,000 orders come in while inventory is down. Afterwards the backlog drains at twice the intake.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use super::injected::InjectedFault;
use super::streams::main_stream;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;

const ORDERS: usize = 10_000;
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(300);
/// The least ratio of drain to intake.
const TIMES: f64 = 2.0;
const COMPLETED: &str = "SELECT count(*) FROM orders WHERE status = 'completed'";
const PENDING: &str = "SELECT count(*) FROM orders WHERE status = 'pending'";

pub async fn drain(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.stack.kill9(*id).await?;
    }
    let intake = ORDERS as f64 / take_in(arena).await?.as_secs_f64();
    let waiting = published(arena).await?;
    let began = Instant::now();
    for id in &inventories {
        arena.stack.restart(*id).await?;
    }
    let started = began.elapsed();
    drained(arena).await?;
    let drain = waiting as f64 / began.elapsed().as_secs_f64();
    arena.measured.push(format!(
        "backlog: {intake:.0} orders/s in, {waiting} waiting, {drain:.0}/s out (restart of {:.1} s included), ratio {:.2}",
        started.as_secs_f64(),
        drain / intake
    ));
    if drain < TIMES * intake {
        arena.findings.push(format!("drained at {:.2} times the intake, not {TIMES}", drain / intake));
    }
    Ok(InjectedFault {
        evidence: format!("{waiting} orders waited while no inventory ran"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

async fn take_in(arena: &Arena) -> Result<Duration, ChaosError> {
    let began = Instant::now();
    let order = one(PLENTY);
    let buyer = &arena.buyer;
    let mut placed = stream::iter(0..ORDERS)
        .map(|_| buyer.place_until_accepted(&order, PATIENCE))
        .buffer_unordered(AT_ONCE);
    while let Some(order) = placed.next().await {
        order?;
    }
    Ok(began.elapsed())
}

/// Returns the size of the backlog.
async fn published(arena: &Arena) -> Result<i64, ChaosError> {
    let payment = arena.database(Kind::Payment);
    wait::until("every order is paid", PATIENCE, async || match payment.number(PENDING, &[]).await {
        Ok(0) => Ok(()),
        Ok(open) => Err(format!("{open} are not")),
        Err(error) => Err(error.to_string()),
    })
    .await?;
    payment.number(COMPLETED, &[]).await
}

async fn drained(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    let (stream, _) = main_stream(Kind::Inventory);
    Ok(wait::until(format!("{stream} is drained"), PATIENCE, async || {
        match payment.number(COMPLETED, &[]).await {
            Ok(0) => Ok(()),
            Ok(open) => Err(format!("{open} orders are open")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?)
}
