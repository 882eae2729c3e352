//! F15: SIGTERM to each instance in turn, under load.

use super::injected::InjectedFault;
use super::streams::{main_stream, streams};
use crate::ChaosError;
use crate::arena::Arena;
use crate::schedule::PlannedFault;
use ctl::stack::{Kind, ServiceId};

pub async fn rolling(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let ids: Vec<ServiceId> =
        [Kind::Inventory, Kind::Payment].into_iter().flat_map(|kind| arena.ids(kind)).collect();
    for id in &ids {
        let status = arena.stack.terminate(*id).await?;
        if status.code() != Some(0) {
            arena.findings.push(format!("{id} did not end with 0 after SIGTERM: {status}"));
        }
        nothing_left_behind(arena, *id).await?;
        arena.stack.restart(*id).await?;
        arena.progress.line(format!("  {id} is back"));
    }
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok(InjectedFault {
        evidence: format!("{} got SIGTERM and ended", names.join(", ")),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

async fn nothing_left_behind(arena: &mut Arena, id: ServiceId) -> Result<(), ChaosError> {
    let redis = arena.redis()?;
    let consumer = arena.consumer(id)?;
    let (_, group) = main_stream(id.kind);
    for stream in streams(id.kind) {
        let left = redis.pending_of(stream, group, &consumer).await?;
        if left > 0 {
            arena.findings.push(format!("{id} left {left} pending entries of {stream} behind after SIGTERM"));
        }
    }
    Ok(())
}
