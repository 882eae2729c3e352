//! F4: a running Redis loses data.

use super::dead_letter_backup::DeadLetterBackup;
use super::injected::InjectedFault;
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::OpenTransaction;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use events::{Event, INVENTORY_GROUP, ProductChanged, ROUTES, Route};

/// Entries beyond the one that each consumer may hold.
const UNREAD: u64 = 3;

pub async fn flush(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let redis = arena.redis()?;
    let backup = DeadLetterBackup::take(&redis).await?;
    let keys: u64 = redis.command(&["DBSIZE"]).await?;
    // One script: a second command would count keys written in between.
    let left: u64 =
        redis.command(&["EVAL", "redis.call('FLUSHALL') return redis.call('DBSIZE')", "0"]).await?;
    let recovering = arena.begin_recovery(planned.limit());
    backup.restore(&redis).await?;
    match (keys, left) {
        (1.., 0) => Ok(InjectedFault { evidence: format!("{keys} keys before, none after"), recovering }),
        _ => Err(ChaosError::NotLanded(format!("{keys} keys before, {left} after"))),
    }
}

/// A group created again at the wrong position would skip the unread entries.
pub async fn destroy_group(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let (stream, group) = chosen(planned);
    let (grown, lock) = backlog(arena, planned).await?;
    let destroyed: Result<u64, _> = arena.redis()?.command(&["XGROUP", "DESTROY", stream, group]).await;
    landed(arena, planned, lock, destroyed, &format!("group {group} of {stream} with {grown} new entries"))
        .await
}

pub async fn delete_stream(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let (stream, _) = chosen(planned);
    let (grown, lock) = backlog(arena, planned).await?;
    let deleted: Result<u64, _> = arena.redis()?.command(&["DEL", stream]).await;
    landed(arena, planned, lock, deleted, &format!("stream {stream} with {grown} new entries")).await
}

async fn landed(
    arena: &Arena,
    planned: &PlannedFault,
    lock: OpenTransaction,
    gone: Result<u64, ChaosError>,
    what: &str,
) -> Result<InjectedFault, ChaosError> {
    let recovering = arena.begin_recovery(planned.limit());
    lock.release().await?;
    match gone? {
        1 => Ok(InjectedFault { evidence: format!("{what} is gone"), recovering }),
        _ => Err(ChaosError::NotLanded(format!("{what} was not there"))),
    }
}

/// Returns the growth of the stream, and the lock that blocks its consumers.
async fn backlog(arena: &Arena, planned: &PlannedFault) -> Result<(u64, OpenTransaction), ChaosError> {
    let (stream, group) = chosen(planned);
    let redis = arena.redis()?;
    let payment = payment_for(arena, planned.target)?;
    let consumers = if group == INVENTORY_GROUP { Kind::Inventory } else { Kind::Payment };
    let lock = arena.database(consumers).hold("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE").await?;
    let before = redis.added(stream).await?;
    let wanted = arena.ids(consumers).len() as u64 + UNREAD;
    let grown =
        arena.landed(&payment, super::injected::EVIDENCE_WITHIN, async || match redis.added(stream).await {
            Ok(now) if now >= before + wanted => Ok(now - before),
            Ok(_) => Err(format!("{stream} does not grow")),
            Err(error) => Err(error.to_string()),
        });
    Ok((grown.await?, lock))
}

fn chosen(planned: &PlannedFault) -> (&'static str, &'static str) {
    let of_orders: Vec<&Route> =
        ROUTES.iter().filter(|route| route.stream != ProductChanged::STREAM).collect();
    let route = of_orders[planned.draw as usize % of_orders.len()];
    (route.stream, route.group)
}
