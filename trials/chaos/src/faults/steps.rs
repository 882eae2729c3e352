//! F1 at a failpoint: the process is killed at an exact step.

use serde_json::json;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::schedule::PlannedFault;

pub async fn kill_at_step(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let (name, nth) = step(planned)?;
    let base = arena.url(id)?;
    arena.admin.arm(&base, &json!({"failpoint": name, "nth": nth, "action": "kill"})).await?;
    let payment = payment_for(arena, id)?;
    let service = arena.stack.service(id)?;
    arena
        .landed(&payment, EVIDENCE_WITHIN, async || match service.exit_status() {
            Some(_) => Ok(()),
            None => Err(format!("{id} lives; it has not passed {name} {nth} times")),
        })
        .await?;
    let evidence = format!("{} at {name}", arena.kill9(id).await?);
    let recovering = arena.begin_recovery(planned.limit());
    arena.stack.restart(id).await?;
    Ok(InjectedFault { evidence, recovering })
}

/// The failpoint, and the passage at which it fires.
pub fn step(planned: &PlannedFault) -> Result<(&str, u32), ChaosError> {
    let step = planned.failpoint.as_ref().map(|(name, nth)| (name.as_str(), *nth));
    step.ok_or_else(|| ChaosError::Impossible("the fault has no failpoint; see --list".to_owned()))
}
