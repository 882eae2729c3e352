//! F2: panics. Actors are replaced, and the request of a handler is answered.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::streams::{payment_for, streams};
use crate::ChaosError;
use crate::arena::Arena;
use crate::buyer::response_to;
use crate::products::PLENTY;
use crate::profile::UNOPTIMISED;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

/// For the SKU of a product actor that panicked.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1).saturating_add(UNOPTIMISED);

pub async fn consumer(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let base = arena.url(planned.target)?;
    let all = streams(id.kind);
    let stream = all[planned.draw as usize % all.len()];
    let before = arena.admin.restarts(&base, stream).await?;
    arena.admin.arm(&base, &json!({"panic": "consumer", "stream": stream})).await?;
    let payment = payment_for(arena, id)?;
    let after = arena
        .landed(&payment, EVIDENCE_WITHIN, async || match arena.admin.restarts(&base, stream).await {
            Ok(after) if after > before => Ok(after),
            Ok(_) => Err(format!("the consumer of {stream} at {id} was not restarted")),
            Err(error) => Err(error.to_string()),
        })
        .await?;
    let evidence = format!("{id}: restarts of the consumer of {stream} went from {before} to {after}");
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

pub async fn product(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let base = arena.url(planned.target)?;
    arena.admin.arm(&base, &json!({"failpoint": "product.hold", "action": "panic"})).await?;
    fired(arena, planned, "product.hold").await?;
    let request =
        arena.http.get(format!("{base}/products/{PLENTY}")).bearer_auth(arena.admin.account.token().await?);
    let answered = response_to(request.timeout(ANSWERS_WITHIN)).await;
    if answered.status != Some(200) {
        arena
            .findings
            .push(format!("{id}: after the panic {PLENTY} does not answer within 1 s: {answered:?}"));
    }
    Ok(InjectedFault {
        evidence: format!("{id} passed product.hold, armed to panic"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

/// This fault alone uses the route.
pub async fn handler(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let base = arena.url(planned.target)?;
    let (route, path) = match id.kind {
        Kind::Payment => ("/orders/{id}/timeline", format!("/orders/{}/timeline", Uuid::now_v7())),
        Kind::Inventory | Kind::User => ("/products", "/products?limit=1".to_owned()),
    };
    let failpoint = format!("http.handler.{route}");
    arena.admin.arm(&base, &json!({"failpoint": failpoint, "action": "panic"})).await?;
    let answered =
        response_to(arena.http.get(format!("{base}{path}")).bearer_auth(arena.admin.account.token().await?))
            .await;
    let recovering = arena.begin_recovery(planned.limit());
    if arena.admin.is_armed(&base, &failpoint).await? {
        return Err(ChaosError::NotLanded(format!("{id} did not pass {failpoint}")));
    }
    if answered.status != Some(500) || !answered.is_problem() {
        arena
            .findings
            .push(format!("{id}: a panic in {route} was not answered with 500 problem+json: {answered:?}"));
    }
    Ok(InjectedFault {
        evidence: format!("{id} passed {failpoint}, armed to panic; answered {:?}", answered.status),
        recovering,
    })
}

async fn fired(arena: &Arena, planned: &PlannedFault, failpoint: &str) -> Result<(), ChaosError> {
    let base = arena.url(planned.target)?;
    let payment = payment_for(arena, planned.target)?;
    arena
        .landed(&payment, EVIDENCE_WITHIN, async || match arena.admin.is_armed(&base, failpoint).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(format!("{} has not passed {failpoint}", planned.target)),
            Err(error) => Err(error.to_string()),
        })
        .await
}
