//! F33: a price changes, and its event is lost.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};
use serde_json::json;
use uuid::Uuid;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::Database;
use crate::proxy::Mode;
use crate::schedule::PlannedFault;
use ctl::instance::InstanceError;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

const NEW_PRICE: i64 = 4321;

pub async fn lose_a_price(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let payment = arena.database(Kind::Payment);
    let sku = format!("CHAOS-PRICED-{}", Uuid::new_v4().simple().to_string().to_uppercase());
    arena.admin.create_product(&arena.url(id)?, &sku, 10).await?;
    wait::until("payment knows the product", EVIDENCE_WITHIN, async || {
        known_price(&payment, &sku).await.map(drop)
    })
    .await?;
    arena.lane(id)?.redis.set(Mode::BlackHole);
    let changed = change_price(arena, id, &sku).await;
    let sql = format!("DELETE FROM outbox WHERE stream LIKE 'product_changed%' AND envelope LIKE '%{sku}%'");
    let removed = arena.database(Kind::Inventory).execute(&sql).await;
    let killed = arena.kill9(id).await;
    arena.lane(id)?.redis.set(Mode::Pass);
    arena.stack.restart(id).await?;
    let recovering = arena.begin_recovery(planned.limit());
    changed.and(removed)?;
    judge(arena, &payment, &sku).await;
    Ok(InjectedFault {
        evidence: format!("{}, and the event of the new price of {sku} is lost", killed?),
        recovering,
    })
}

async fn judge(arena: &mut Arena, payment: &Database, sku: &str) {
    let began = Instant::now();
    let within = arena.profile.catalogues_agree();
    let agreed = wait::until("payment knows the new price", within, async || {
        match known_price(payment, sku).await? {
            NEW_PRICE => Ok(()),
            old => Err(format!("it has {old}")),
        }
    });
    let wrong = agreed.await.err().map(|error| error.to_string());
    if wrong.is_none() {
        arena.measured.push(format!(
            "catalogue-lost: payment knew the new price after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
    }
    arena.findings.extend(wrong.as_ref().map(|wrong| format!("the catalogues do not agree: {wrong}")));
    arena.invariants.progress.note("a lost product_changed", wrong);
}

async fn known_price(payment: &Database, sku: &str) -> Result<i64, String> {
    payment
        .number("SELECT coalesce(max(price), 0)::bigint FROM catalogue WHERE sku = $1", &[&sku])
        .await
        .map_err(|error| error.to_string())
        .and_then(|price| if price > 0 { Ok(price) } else { Err("payment does not know it".to_owned()) })
}

async fn change_price(arena: &Arena, id: ServiceId, sku: &str) -> Result<(), ChaosError> {
    let url = format!("{}/products/{sku}", arena.url(id)?);
    let token = arena.admin.account.token().await?;
    let silent =
        |error: reqwest::Error| InstanceError::NoResponse { what: url.clone(), why: error.to_string() };
    let shown = arena.http.get(&url).bearer_auth(&token).send().await.map_err(silent)?;
    let tag = shown
        .headers()
        .get(ETAG)
        .cloned()
        .ok_or_else(|| ChaosError::NotLanded(format!("{sku} has no ETag")))?;
    let product = json!({"name": format!("Chaos {sku}"), "price": {"amount": NEW_PRICE, "currency": "EUR"}});
    let request =
        arena.http.request(Method::PUT, &url).bearer_auth(&token).header(IF_MATCH, tag).json(&product);
    let answer = request.timeout(Duration::from_secs(5)).send().await.map_err(silent)?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if status.is_success() {
        Ok(())
    } else {
        Err(InstanceError::Request { what: format!("PUT {url}"), why: format!("{status} {text}") }.into())
    }
}
