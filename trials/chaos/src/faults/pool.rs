//! F13: every connection of the pool of payment waits for a lock.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::injected::{InjectedFault, NO_REQUEST_OVER};
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::buyer::{HttpResponse, response_to};
use crate::requests::hold_all_connections;
use crate::schedule::PlannedFault;
use ctl::instance::health;
use ctl::stack::Kind;

/// Several times the pool (8 connections).
const AT_ONCE: usize = 40;

pub async fn exhaust(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let payment = payment_for(arena, planned.target)?;
    let url = arena.stack.database_url(Kind::Payment);
    let (locked, is_locked) = oneshot::channel();
    let asked = async {
        _ = is_locked.await; // Err: there is no lock, which the other side reports
        let answers = ask(arena, &payment).await?;
        Ok::<_, ChaosError>((answers, health(&arena.http, &payment, "/livez").await))
    };
    let held = hold_all_connections(&url, "orders", locked, asked).await;
    let recovering = arena.begin_recovery(planned.limit());
    let (answers, alive) = held??;
    arena.findings.extend(
        alive.err().map(|dead| format!("{payment} was not alive while its pool was exhausted: {dead}")),
    );
    let bad =
        |answer: &&HttpResponse| !matches!(answer.status, Some(404 | 503)) || answer.took > NO_REQUEST_OVER;
    arena
        .findings
        .extend(answers.iter().find(bad).map(|answer| format!("while the pool was exhausted: {answer:?}")));
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status.unwrap_or_default()).or_default() += 1;
    }
    match statuses.get(&503) {
        Some(_) => Ok(InjectedFault {
            evidence: format!("{AT_ONCE} reads at once while `orders` was locked: {statuses:?}"),
            recovering,
        }),
        None => {
            Err(ChaosError::NotLanded(format!("every request got another status than 503: {statuses:?}")))
        }
    }
}

async fn ask(arena: &Arena, payment: &str) -> Result<Vec<HttpResponse>, ChaosError> {
    let token = arena.admin.account.token().await?;
    let read =
        |_| response_to(arena.http.get(format!("{payment}/orders/{}", Uuid::now_v7())).bearer_auth(&token));
    Ok(join_all((0..AT_ONCE).map(read)).await)
}
