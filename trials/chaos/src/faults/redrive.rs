//! F34: Redis refuses one half of a redrive. The dead letter must stay.

use std::time::Duration;

use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::requests::{Poison, dead_letter, redrive_once, send_poison};
use crate::schedule::PlannedFault;
use ctl::api::{Api, ApiError};

/// Five deliveries, a claim interval apart, and the way there.
const BURIED_WITHIN: Duration = Duration::from_secs(40);
/// The stream, while a string at its own key refuses XADD.
const KEPT: &str = "chaos:kept";
/// One script, so that no new stream appears in between.
const TAKE_AWAY: &str =
    "redis.call('RENAME', KEYS[1], KEYS[2]) return redis.call('SET', KEYS[1], 'a string')";
const GIVE_BACK: &str =
    "if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) return 1 end return 0";

pub async fn refused(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let kind = Poison::UnknownType;
    let event = send_poison(&arena.stack.redis_url(), kind, &arena.log).await?;
    let api = arena.admin.api().await?;
    let letter = dead_letter(&api, kind, event, None, BURIED_WITHIN).await?;
    let redis = arena.redis()?;
    redis.command::<()>(&["EVAL", TAKE_AWAY, "2", kind.stream(), KEPT]).await?;
    let answer = api.redrive(kind.victim(), &letter).await.map(drop);
    redis.command::<u64>(&["EVAL", GIVE_BACK, "2", kind.stream(), KEPT]).await?;
    let recovering = arena.begin_recovery(planned.limit());
    let wrong = still_there(&api, kind, &letter).await;
    let lost = wrong.is_some();
    arena.findings.extend(wrong.clone());
    arena.invariants.progress.note("a redrive that Redis refuses", wrong);
    if !lost {
        let redrive = redrive_once(&api, kind, event, BURIED_WITHIN).await?;
        let twice =
            (!redrive.works_once).then(|| format!("dead letter {} could be redriven twice", redrive.first));
        arena.findings.extend(twice);
    }
    match answer {
        Err(error) => Ok(InjectedFault {
            evidence: format!("the redrive of {letter} was refused: {error}"),
            recovering,
        }),
        Ok(()) => Err(ChaosError::NotLanded(format!("the redrive of {letter} was not refused"))),
    }
}

async fn still_there(api: &Api, kind: Poison, letter: &str) -> Option<String> {
    match api.dead_letter(kind.victim(), letter).await {
        Ok(_) => None,
        Err(ApiError::Refused(problem)) if problem.status == 404 => {
            Some(format!("a redrive that was refused has lost dead letter {letter}"))
        }
        Err(error) => Some(format!("dead letter {letter}: {error}")),
    }
}

pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    let redis = arena.redis()?;
    redis.command::<u64>(&["EVAL", GIVE_BACK, "2", Poison::UnknownType.stream(), KEPT]).await.map(drop)
}
