//! F11 and F14: clients that send too much, too often, or disconnect early.

use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::OpenTransaction;
use crate::products::{PLENTY, one};
use crate::requests::caller::{Caller, Customer};
use crate::requests::{Phase, client_gone, one_key_fifty_times, too_large};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

async fn caller(arena: &Arena) -> Result<Caller, ChaosError> {
    let customer = Customer { id: arena.buyer.id, token: arena.buyer.account.token().await? };
    Ok(Caller::new(customer, arena.log.clone())?)
}

fn key() -> String {
    uuid::Uuid::now_v7().to_string()
}

pub async fn too_large_bodies(
    arena: &mut Arena,
    planned: &PlannedFault,
) -> Result<InjectedFault, ChaosError> {
    let payment = super::streams::payment_for(arena, planned.target)?;
    let refusals = too_large(&caller(arena).await?, &payment, PLENTY).await?;
    let unclear = refusals.iter().filter(|refusal| !refusal.is_clear());
    arena.findings.extend(unclear.map(|refusal| format!("not clearly refused: {refusal:?}")));
    let evidence = refusals
        .iter()
        .map(|refusal| format!("{}: {:?}", refusal.what, refusal.status))
        .collect::<Vec<_>>()
        .join(", ");
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

pub async fn one_key(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let caller = caller(arena).await?;
    let payments = arena.shop().payment;
    let key = key();
    let order = one(PLENTY);
    let taken = take(arena, &key).await?;
    let (found, waited) =
        tokio::join!(one_key_fifty_times(&caller, &payments, &order, &key), side_by_side(arena, taken));
    let found = found?;
    let waited = waited?;
    if !found.is_one_order() {
        arena.findings.push(format!("50 POSTs with one key made other than one order: {found:?}"));
    }
    let orders = found.orders.len();
    let evidence = format!(
        "50 POSTs with one key: {:?}, {orders} order; {waited} commits waited side by side",
        found.statuses
    );
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

async fn take(arena: &Arena, key: &str) -> Result<OpenTransaction, ChaosError> {
    let payment = arena.database(Kind::Payment);
    let user = arena.buyer.id;
    let taken = format!(
        "INSERT INTO orders (id, user_id, status, version, total, created_at, currency, payment_method, idempotency_key, request_hash,
                             request_id, traceparent, items)
         VALUES (gen_random_uuid(), '{user}', 'pending', 1, 1, now(), 'EUR', 'tok_ok', '{key}', '', '', '', '[]')"
    );
    payment.hold(&taken).await
}

/// Rolls back once every instance of payment waits for the key.
async fn side_by_side(arena: &Arena, taken: OpenTransaction) -> Result<i64, ChaosError> {
    let payment = arena.database(Kind::Payment);
    let instances = arena.ids(Kind::Payment).len();
    let waited = payment.waiting(instances, arena.profile.statement_timeout() / 2).await?;
    taken.release().await?;
    Ok(waited)
}

pub async fn gone(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let caller = caller(arena).await?;
    let mut payments = arena.shop().payment;
    let first = (planned.target.instance - 1) % payments.len();
    payments.rotate_left(first);
    let mut evidence = Vec::new();
    for phase in Phase::ALL {
        let gone = client_gone(&caller, &payments, &one(PLENTY), &key(), phase).await?;
        evidence.push(format!(
            "{phase:?}: {}",
            if gone.was_placed { "was placed" } else { "placed by the retry" }
        ));
    }
    Ok(InjectedFault { evidence: evidence.join(", "), recovering: arena.begin_recovery(planned.limit()) })
}
