//! F1: processes killed by SIGKILL.

use std::time::Duration;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::streams::{main_stream, payment_for};
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::OpenTransaction;
use crate::fault::Fault;
use crate::schedule::PlannedFault;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

/// A claim interval and the work itself, after the claim idle time.
const CLAIMED_WITHIN: Duration = Duration::from_secs(10);

pub async fn kill(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let evidence = arena.kill9(planned.target).await?;
    let recovering = arena.begin_recovery(planned.limit());
    arena.stack.restart(planned.target).await?;
    Ok(InjectedFault { evidence, recovering })
}

/// A peer claims the entries, or the restarted instance continues them under the same name.
pub async fn kill_with_entries(
    arena: &mut Arena,
    planned: &PlannedFault,
) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let (held, lock) = hold_entries(arena, id).await?;
    let killed = arena.kill9(id).await;
    lock.release().await?;
    let killed = killed?;
    let recovering = arena.begin_recovery(planned.limit());
    let alone = arena.ids(id.kind).len() == 1;
    if planned.fault == Fault::KillConsumer && !alone {
        claimed(arena, id).await?;
    }
    arena.stack.restart(id).await?;
    Ok(InjectedFault { evidence: format!("{killed} with {held} pending entries"), recovering })
}

pub async fn hold_entries(arena: &Arena, id: ServiceId) -> Result<(u64, OpenTransaction), ChaosError> {
    let (stream, group) = main_stream(id.kind);
    let redis = arena.redis()?;
    let consumer = arena.consumer(id)?;
    let payment = payment_for(arena, id)?;
    let lock = arena.database(Kind::Inventory).hold("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE").await?;
    let held = arena.landed(&payment, EVIDENCE_WITHIN, async || {
        match redis.pending_of(stream, group, &consumer).await {
            Ok(0) => Err(format!("{id} holds no pending entry")),
            Ok(held) => Ok(held),
            Err(error) => Err(error.to_string()),
        }
    });
    Ok((held.await?, lock))
}

async fn claimed(arena: &Arena, id: ServiceId) -> Result<(), ChaosError> {
    let (stream, group) = main_stream(id.kind);
    let redis = arena.redis()?;
    let consumer = arena.consumer(id)?;
    let within = arena.profile.claim_idle() + CLAIMED_WITHIN;
    Ok(wait::until(format!("a peer claims what {id} held"), within, async || {
        match redis.pending_of(stream, group, &consumer).await {
            Ok(0) => Ok(()),
            Ok(left) => Err(format!("{left} entries left")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?)
}
