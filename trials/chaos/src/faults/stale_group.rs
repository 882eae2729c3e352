//! F32: a foreign group without a reader, and consumers that are gone for good.

use std::{collections::BTreeMap, time::Duration};

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::streams::{main_stream, payment_for};
use crate::ChaosError;
use crate::arena::Arena;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;

const FOREIGN: &str = "chaos-nobody";
const NAMES: usize = 40;
const GONE: &str = "chaos-gone-";
/// `stream-retention` (10 s), the age limit of a foreign group (10 s in `fast`), two trims.
const TRIMMED_WITHIN: Duration = Duration::from_secs(180);
/// A check every 10 s removes a name after this many claim idle times.
const IDLE_TIMES: u32 = 60;
const LOOKS: Duration = Duration::from_secs(30);

pub async fn plant(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let (stream, group) = main_stream(Kind::Inventory);
    let redis = arena.redis()?;
    redis.command::<()>(&["XGROUP", "CREATE", stream, FOREIGN, "0"]).await?;
    for number in 1..=NAMES {
        redis
            .command::<u64>(&["XGROUP", "CREATECONSUMER", stream, group, &format!("{GONE}{number}")])
            .await?;
    }
    let shown = shown(arena).await;
    let trimmed = trimming_goes_on(arena, planned).await;
    arena.has_stale_names = true;
    redis.command::<u64>(&["XGROUP", "DESTROY", stream, FOREIGN]).await?;
    let recovering = arena.begin_recovery(planned.limit());
    for (what, seen) in [("/ops/streams shows a foreign group", shown), ("trimming goes on", trimmed)] {
        let wrong = seen.err().map(|error| error.to_string());
        arena.findings.extend(wrong.as_ref().map(|wrong| format!("{what}: {wrong}")));
        arena.invariants.bounds.note(what, wrong);
    }
    Ok(InjectedFault {
        evidence: format!("{stream} had the group {FOREIGN} and {NAMES} stale consumer names"),
        recovering,
    })
}

async fn shown(arena: &Arena) -> Result<(), ChaosError> {
    let inventory = arena.stack.first(Kind::Inventory)?.url();
    Ok(wait::until("the foreign group is shown", EVIDENCE_WITHIN, async || {
        let body = arena.admin.get(&inventory, "/ops/streams").await.map_err(|error| error.to_string())?;
        let rows = body["streams"].as_array().cloned().unwrap_or_default();
        let mut groups = rows.iter().filter_map(|row| row["foreign_groups"].as_array()).flatten();
        if groups.any(|group| group["name"] == FOREIGN) {
            Ok(())
        } else {
            Err("the group is missing".to_owned())
        }
    })
    .await?)
}

/// Checks that entries read by all other groups are trimmed.
async fn trimming_goes_on(arena: &Arena, planned: &PlannedFault) -> Result<(), ChaosError> {
    let (stream, _) = main_stream(Kind::Inventory);
    let redis = arena.redis()?;
    let payment = payment_for(arena, planned.target)?;
    let first = first_entry(arena).await?;
    let wanted = redis.length(stream).await?.max(1);
    let mut added = 0_u64;
    Ok(wait::until(format!("{stream} is trimmed beyond {first}"), TRIMMED_WITHIN, async || {
        // Trimming removes whole nodes of a hundred entries.
        if added < wanted + 200 {
            arena.exercise_every_step(&payment).await.map_err(|error| error.to_string())?;
            added += 2;
        }
        match first_entry(arena).await.map_err(|error| error.to_string())? {
            now if now == first => Err(format!(
                "{stream} still begins there, {} entries",
                redis.length(stream).await.unwrap_or(0)
            )),
            _ => Ok(()),
        }
    })
    .await?)
}

async fn first_entry(arena: &Arena) -> Result<String, ChaosError> {
    let (stream, _) = main_stream(Kind::Inventory);
    let redis = arena.redis()?;
    let page: redis::streams::StreamRangeReply =
        redis.command(&["XRANGE", stream, "-", "+", "COUNT", "1"]).await?;
    Ok(page.ids.first().map(|entry| entry.id.clone()).unwrap_or_default())
}

/// Takes minutes, hence at the end of a run.
pub async fn names_are_gone(arena: &mut Arena) {
    if !arena.has_stale_names {
        return;
    }
    arena.progress.line("waiting until the stale consumer names are gone");
    let wrong = names_go(arena).await.err().map(|error| error.to_string());
    arena.findings.extend(wrong.clone());
    arena.invariants.bounds.note("names of consumers", wrong);
}

async fn names_go(arena: &Arena) -> Result<(), ChaosError> {
    let (stream, group) = main_stream(Kind::Inventory);
    let redis = arena.redis()?;
    let within = arena.profile.claim_idle() * IDLE_TIMES + LOOKS;
    Ok(wait::until("the stale consumer names are gone", within, async || {
        let consumers = redis.consumers(stream, group).await.map_err(|error| error.to_string())?;
        match consumers.iter().filter(|consumer| is_stale(consumer)).count() {
            0 => Ok(()),
            names => Err(format!("there are {names} of them")),
        }
    })
    .await?)
}

/// A name of this fault; [`names_are_gone`] judges it.
pub fn is_stale(consumer: &BTreeMap<String, String>) -> bool {
    consumer.get("name").is_some_and(|name| name.starts_with(GONE))
}
