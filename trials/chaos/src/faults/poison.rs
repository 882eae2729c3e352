//! F10: poison messages.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use crate::ChaosError;
use crate::arena::Arena;
use crate::fault::Fault;
use crate::products::{PLENTY, one};
use crate::requests::{Poison, redrive_once, send_poison};
use crate::schedule::PlannedFault;
use ctl::wait;

/// The slowest of twenty stands for the p99.
const TIMED: usize = 20;
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// The difference that two busy cores make.
const NOISE: Duration = Duration::from_millis(300);
/// Five deliveries, a claim interval apart, and the way there.
const BURIED_WITHIN: Duration = Duration::from_secs(40);
const LETTERS: usize = 1000;

pub async fn unreadable(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let kind = if planned.fault == Fault::PoisonNotJson { Poison::NotJson } else { Poison::UnknownType };
    let event = send_poison(&arena.stack.redis_url(), kind, &arena.log).await?;
    let evidence = buried(arena, kind, event, EVIDENCE_WITHIN).await?;
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

pub async fn failing(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let kind = Poison::AlwaysFails;
    let before = slowest_but_two(arena).await?;
    let event = send_poison(&arena.stack.redis_url(), kind, &arena.log).await?;
    let meanwhile = slowest_but_two(arena).await?;
    arena.measured.push(format!(
        "orders to their end, slowest but two of {TIMED}: {before:.0?} before the poison, {meanwhile:.0?} with it"
    ));
    if meanwhile > before * 2 + NOISE {
        arena.findings.push(format!("a failing event slowed others from {before:.0?} to {meanwhile:.0?}"));
    }
    let evidence = buried(arena, kind, event, BURIED_WITHIN).await?;
    let redrive = redrive_once(&arena.admin.api().await?, kind, event, BURIED_WITHIN).await?;
    if !redrive.works_once {
        arena.findings.push(format!("dead letter {} could be redriven twice", redrive.first));
    }
    Ok(InjectedFault {
        evidence: format!("{evidence}; redriven, and dead again"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

/// A pause of the machine makes one order slow, or two.
pub async fn slowest_but_two(arena: &Arena) -> Result<Duration, ChaosError> {
    let mut times = [Duration::ZERO; TIMED];
    for time in &mut times {
        let began = Instant::now();
        let order = arena.buyer.place_until_accepted(&one(PLENTY), ENDS_WITHIN).await?;
        arena.buyer.wait_for_end(order, ENDS_WITHIN).await?;
        *time = began.elapsed();
    }
    times.sort_unstable();
    Ok(times[TIMED - 3])
}

async fn buried(arena: &Arena, kind: Poison, event: Uuid, within: Duration) -> Result<String, ChaosError> {
    let api = arena.admin.api().await?;
    let letter = wait::until("the dead letter", within, async || {
        let letters = api
            .dead_letters(kind.victim(), Some(kind.stream()), LETTERS)
            .await
            .map_err(|error| error.to_string())?;
        let found = letters.into_iter().find(|letter| letter.event["id"] == event.to_string());
        found.ok_or_else(|| format!("none of event {event} in {}", kind.stream()))
    });
    let letter = letter.await.map_err(|error| ChaosError::NotLanded(error.to_string()))?;
    if letter.reason != kind.reason() {
        return Err(ChaosError::NotLanded(format!(
            "dead letter {} says `{}`, not `{}`",
            letter.id,
            letter.reason,
            kind.reason()
        )));
    }
    Ok(format!(
        "dead letter {} with reason `{}` after {} deliveries",
        letter.id, letter.reason, letter.deliveries
    ))
}
