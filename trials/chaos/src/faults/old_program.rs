//! F31: an instance starts on a schema newer than its program, as after a rollback.

use std::time::Duration;

use tokio::time::timeout;

use super::injected::InjectedFault;
use super::postgres_sessions::works_again;
use crate::ChaosError;
use crate::arena::Arena;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

const VERSION: i32 = 9_999;
const STARTS_WITHIN: Duration = Duration::from_secs(60);

pub async fn restart(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let database = arena.database(planned.target.kind);
    let newer = format!(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES ({VERSION}, 'from_the_future', '2030-01-01T00:00:00Z', '1')"
    );
    database.execute(&newer).await?;
    let started = timeout(STARTS_WITHIN, arena.stack.restart(id)).await;
    let wrong = match started {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("not ready within {STARTS_WITHIN:?}")),
    };
    arena
        .findings
        .extend(wrong.as_ref().map(|wrong| format!("{id} does not start beside a newer schema: {wrong}")));
    let started = wrong.is_none();
    arena.invariants.progress.note("an old program", wrong);
    if started {
        works_again(arena, "beside a newer schema").await;
    }
    take_back(arena).await?;
    if !started {
        arena.stack.restart(id).await?;
    }
    Ok(InjectedFault {
        evidence: format!("{id} was restarted beside migration {VERSION}"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    for kind in Kind::ALL {
        arena
            .database(kind)
            .execute(&format!("DELETE FROM refinery_schema_history WHERE version = {VERSION}"))
            .await?;
    }
    Ok(())
}
