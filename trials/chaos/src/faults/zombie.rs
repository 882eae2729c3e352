//! F8: a process stopped for twice the claim idle time.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::sleep;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::process;
use super::steps::step;
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::process_state::stopped;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::stack::ServiceId;
use ctl::wait;

/// Beyond the claim idle time, for an order that a peer completes.
const GOES_ON_WITHIN: Duration = Duration::from_secs(10);
const STOPS_WITHIN: Duration = Duration::from_secs(2);

pub async fn pause(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let stopped = stop(arena, planned).await;
    let went_on = match &stopped {
        Ok(_) => stand_still(arena, id).await,
        Err(_) => Ok(()),
    };
    arena.stack.service(id)?.signal(Signal::SIGCONT);
    let recovering = arena.begin_recovery(planned.limit());
    went_on?;
    Ok(InjectedFault { evidence: stopped?, recovering })
}

async fn stop(arena: &Arena, planned: &PlannedFault) -> Result<String, ChaosError> {
    let id = planned.target;
    if planned.failpoint.is_none() {
        let (held, lock) = process::hold_entries(arena, id).await?;
        arena.stack.service(id)?.signal(Signal::SIGSTOP);
        let stopped = stands_still(arena, id).await;
        lock.release().await?;
        return stopped.map(|state| format!("{state} with {held} pending entries"));
    }
    let (name, nth) = step(planned)?;
    arena.admin.arm(&arena.url(id)?, &json!({"failpoint": name, "nth": nth, "action": "stop"})).await?;
    let pid = arena.stack.service(id)?.pid();
    let payment = payment_for(arena, id)?;
    arena.landed(&payment, EVIDENCE_WITHIN, async || stopped(pid)).await?;
    Ok(format!("{id} (pid {pid}) is in state T at {name}"))
}

/// With a peer, an order must end meanwhile.
async fn stand_still(arena: &mut Arena, id: ServiceId) -> Result<(), ChaosError> {
    let idle = arena.profile.claim_idle();
    let has_peer = arena.ids(id.kind).len() > 1;
    let buyer = arena.buyer.clone();
    let peer_goes_on = async {
        if !has_peer {
            return Ok(());
        }
        let order = buyer.place_until_accepted(&one(PLENTY), idle + GOES_ON_WITHIN).await?;
        buyer.wait_for_end(order, idle + GOES_ON_WITHIN).await.map(drop)
    };
    let (went_on, ()) = tokio::join!(peer_goes_on, sleep(idle * 2));
    if let Err(error) = went_on {
        arena.findings.push(format!("while {id} stood still its peer did not go on: {error}"));
    }
    Ok(())
}

async fn stands_still(arena: &Arena, id: ServiceId) -> Result<String, ChaosError> {
    let pid = arena.stack.service(id)?.pid();
    let state = wait::until(format!("{id} stands still"), STOPS_WITHIN, async || stopped(pid)).await;
    state
        .map(|()| format!("{id} (pid {pid}) is in state T"))
        .map_err(|error| ChaosError::NotLanded(error.to_string()))
}
