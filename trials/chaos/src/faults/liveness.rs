//! The demands while a fault lasts (I13, I14).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::profile::UNOPTIMISED;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

/// The deadline of I13 and I14.
pub const WITHIN: Duration = Duration::from_secs(5);
/// The deadline of I13 after a fault of the environment.
pub const HEALED_WITHIN: Duration = Duration::from_secs(15);
/// Time for one poll on a busy machine.
pub const NOISE: Duration = Duration::from_secs(1).saturating_add(UNOPTIMISED);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Two refusals in a row are a breach: one response may be late on a busy machine.
pub async fn orders_are_accepted(arena: &Arena, time: Duration) -> Result<Vec<String>, ChaosError> {
    let began = Instant::now();
    let mut refused = Vec::new();
    while began.elapsed() < time {
        for id in arena.ids(Kind::Payment) {
            refused
                .extend(refuses(arena, id).await?.map(|why| format!("{id} does not accept orders: {why}")));
        }
        sleep(LOOK_AGAIN).await;
    }
    refused.sort_unstable();
    refused.dedup();
    Ok(refused)
}

async fn refuses(arena: &Arena, id: ServiceId) -> Result<Option<String>, ChaosError> {
    let url = arena.url(id)?;
    let key = Uuid::now_v7().to_string();
    let first = arena.buyer.send(&url, &one(PLENTY), &key).await?;
    if first.is_ok() {
        return Ok(None);
    }
    // One pause of the machine is no second refusal.
    sleep(UNOPTIMISED).await;
    let second = arena.buyer.send(&url, &one(PLENTY), &key).await?;
    Ok((!second.is_ok())
        .then(|| format!("{:?} {}, then {:?} {}", first.status, first.text, second.status, second.text)))
}

pub async fn others_end(arena: &mut Arena, during: &str) {
    let began = Instant::now();
    let ended = async {
        let order = arena.buyer.place_until_accepted(&one(PLENTY), WITHIN + HEALED_WITHIN).await?;
        arena.buyer.wait_for_end(order, WITHIN + HEALED_WITHIN).await
    };
    let late = match ended.await {
        Ok(_) if began.elapsed() <= WITHIN + NOISE => None,
        Ok(_) => Some(format!("another order took {:.1} s to its end", began.elapsed().as_secs_f64())),
        Err(error) => Some(format!("another order does not end: {error}")),
    };
    arena.findings.extend(late.as_ref().map(|late| format!("{during}: {late}")));
    arena.invariants.progress.note(during, late);
}

/// Checks `/readyz` of every running instance; `ready: None` accepts both.
pub async fn readiness_names(arena: &mut Arena, kinds: &[Kind], check: &str, ready: Option<bool>) {
    let ids: Vec<ServiceId> = kinds.iter().flat_map(|kind| arena.ids(*kind)).collect();
    let looks = join_all(ids.iter().map(|id| names(arena, *id, check, ready))).await;
    for (id, wrong) in ids.iter().zip(looks) {
        arena.findings.extend(wrong.as_ref().map(|wrong| format!("/readyz of {id}: {wrong}")));
        arena.invariants.readiness.note(&id.to_string(), wrong);
    }
}

async fn names(arena: &Arena, id: ServiceId, check: &str, ready: Option<bool>) -> Option<String> {
    let url = arena.url(id).ok()?;
    let named = wait::until(format!("{check} is named within 5 s"), WITHIN + NOISE, async || {
        let answer =
            arena.http.get(format!("{url}/readyz")).send().await.map_err(|error| error.to_string())?;
        let is_ready = answer.status().is_success();
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        is_honest(&body, is_ready, check, ready)
    });
    named.await.err().map(|error| error.to_string())
}

fn is_honest(body: &Value, is_ready: bool, check: &str, ready: Option<bool>) -> Result<(), String> {
    let said = body["checks"][check].as_str().unwrap_or("nothing");
    let as_wanted = ready.is_none_or(|ready| ready == is_ready);
    if said != "ok" && said != "nothing" && as_wanted {
        Ok(())
    } else {
        Err(format!("ready: {is_ready}, {check}: {said}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_that_is_well_or_missing_names_nothing() {
        let body = |said: Value| json!({"checks": {"redis": said}});
        assert!(is_honest(&body(json!("NOAUTH")), true, "redis", Some(true)).is_ok());
        assert!(is_honest(&body(json!("ok")), true, "redis", None).is_err());
        assert!(is_honest(&json!({"checks": {}}), false, "redis", None).is_err());
        assert!(
            is_honest(&body(json!("NOAUTH")), true, "redis", Some(false)).is_err(),
            "it must not be ready"
        );
    }
}
