//! F12: a stream is trimmed with unread entries.

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

const STREAM: &str = "order_completed";
const BACKLOG: u64 = 5;

pub async fn under_backlog(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let redis = arena.redis()?;
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.stack.terminate(*id).await?;
    }
    let read = redis.length(STREAM).await?;
    let payment = payment_for(arena, planned.target)?;
    arena
        .landed(&payment, EVIDENCE_WITHIN, async || match redis.length(STREAM).await {
            Ok(length) if length >= read + BACKLOG => Ok(()),
            Ok(length) => Err(format!("{STREAM} grew from {read} to {length} only")),
            Err(error) => Err(error.to_string()),
        })
        .await?;
    let trimmed: u64 = redis.command(&["XTRIM", STREAM, "MAXLEN", "0"]).await?;
    let recovering = arena.begin_recovery(planned.limit());
    for id in inventories {
        arena.stack.restart(id).await?;
    }
    let unread = trimmed.saturating_sub(read);
    if unread < BACKLOG {
        return Err(ChaosError::NotLanded(format!(
            "{trimmed} entries were trimmed, {read} of them read before"
        )));
    }
    Ok(InjectedFault {
        evidence: format!("{trimmed} entries were trimmed, {unread} of them unread"),
        recovering,
    })
}
