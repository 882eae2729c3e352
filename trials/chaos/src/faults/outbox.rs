//! F25, F26: an outbox that is large, or holds rows that cannot be published.

use std::time::Duration;

use events::TraceContext;
use events::{Envelope, MoneyData, ProductChanged};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::dead_letter_backup::DeadLetterBackup;
use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::liveness::HEALED_WITHIN;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;

/// Enough for many batches.
const ROWS: u64 = 5000;
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(120);
/// 300,000 orders take a quarter of an hour at a few hundred a second.
const DRAINED_WITHIN: Duration = Duration::from_secs(1800);
/// The exponential backoff of this many attempts overflows.
const ATTEMPTS: u32 = 2_000_000;
/// More rows than one sweep takes.
const REFUSED: u32 = 1000;
const REFUSING: &str = "chaos_refusing";
const STUCK: &str = "INSERT INTO outbox (event_id, stream, envelope, attempts, due_at)";
const COMPLETED: &str = "SELECT count(*) FROM orders WHERE status IN ('pending', 'completed')";

pub async fn large(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.kill9(*id).await?;
    }
    place(arena, arena.orders.max(ROWS)).await?;
    let rows = arena.database(Kind::Payment).number("SELECT count(*) FROM outbox", &[]).await?;
    let redis = arena.redis()?;
    let backup = DeadLetterBackup::take(&redis).await?;
    redis.command::<()>(&["FLUSHALL"]).await?;
    backup.restore(&redis).await?;
    for id in &inventories {
        arena.stack.restart(*id).await?;
    }
    let began = std::time::Instant::now();
    let newer = arena.buyer.place_until_accepted(&one(PLENTY), HEALED_WITHIN).await.map(drop);
    arena
        .invariants
        .progress
        .note("a new order beside a large outbox", newer.as_ref().err().map(ToString::to_string));
    newer?;
    drained(arena).await?;
    let rate = rows as f64 / began.elapsed().as_secs_f64();
    arena.measured.push(format!("outbox-large: {rows} rows published again and worked off at {rate:.0}/s"));
    Ok(InjectedFault {
        evidence: format!("FLUSHALL beside {rows} rows in payment's outbox"),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

async fn place(arena: &Arena, orders: u64) -> Result<(), ChaosError> {
    let order = one(PLENTY);
    let placed = stream::iter(0..orders)
        .map(|_| arena.buyer.place_until_accepted(&order, PATIENCE))
        .buffer_unordered(AT_ONCE);
    placed.try_for_each(|_| std::future::ready(Ok(()))).await
}

async fn drained(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    Ok(wait::until("every order is at its end", DRAINED_WITHIN, async || {
        match payment.number(COMPLETED, &[]).await {
            Ok(0) => Ok(()),
            Ok(open) => Err(format!("{open} are not")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?)
}

/// Deletes the entry of an order as well, which only the sweep publishes again.
pub async fn stuck_row(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let payment = arena.database(Kind::Payment);
    let redis = arena.redis()?;
    redis.command::<()>(&["SET", REFUSING, "a string"]).await?;
    payment.execute(&format!("{STUCK} VALUES {}", stuck("product_changed", ATTEMPTS))).await?;
    let refused: Vec<String> = (0..REFUSED).map(|_| stuck(REFUSING, 0)).collect();
    payment.execute(&format!("{STUCK} VALUES {}", refused.join(", "))).await?;
    let lost = lose_one(arena).await;
    let there = payment.number(&format!("SELECT count(*) FROM outbox WHERE {IS_OURS}"), &[]).await;
    let swept = match &lost {
        Ok(order) => {
            arena.buyer.wait_for_end(*order, HEALED_WITHIN * 2).await.err().map(|error| error.to_string())
        }
        Err(_) => None,
    };
    payment.execute(&format!("DELETE FROM outbox WHERE {IS_OURS}")).await?;
    redis.command::<()>(&["DEL", REFUSING]).await?;
    let recovering = arena.begin_recovery(planned.limit());
    arena.findings.extend(
        swept.as_ref().map(|late| format!("another row is not swept while some cannot be published: {late}")),
    );
    arena.invariants.progress.note("a row beside unpublishable ones", swept);
    lost?;
    match there? {
        0 => Err(ChaosError::NotLanded("no row was stuck".to_owned())),
        rows => Ok(InjectedFault {
            evidence: format!("{rows} rows were stuck, one of them at {ATTEMPTS} attempts"),
            recovering,
        }),
    }
}

const IS_OURS: &str = "envelope LIKE '%\"source\":\"shopctl-chaos\"%'";

/// An old version of a product, which a consumer ignores.
fn stuck(stream: &str, attempts: u32) -> String {
    let price = MoneyData { amount: 700, currency: "EUR".to_owned() };
    let event = ProductChanged {
        sku: PLENTY.to_owned(),
        name: "Stuck".to_owned(),
        price,
        version: 0,
        deleted: false,
    };
    let envelope = Envelope::new(&event, "shopctl-chaos", PLENTY.to_owned(), TraceContext::root());
    let id = envelope.id;
    let json = envelope.to_json().replace('\'', "''");
    format!("('{id}', '{stream}', '{json}', {attempts}, now())")
}

async fn lose_one(arena: &mut Arena) -> Result<uuid::Uuid, ChaosError> {
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.kill9(*id).await?;
    }
    let lost = delete_entry(arena).await;
    for id in &inventories {
        arena.stack.restart(*id).await?;
    }
    lost
}

async fn delete_entry(arena: &Arena) -> Result<uuid::Uuid, ChaosError> {
    let redis = arena.redis()?;
    let order = arena.buyer.place_until_accepted(&one(PLENTY), PATIENCE).await?;
    let entry = wait::until("its event is published", EVIDENCE_WITHIN, async || {
        let entry = redis
            .entry_about("order_completed", &order.to_string())
            .await
            .map_err(|error| error.to_string())?;
        entry.ok_or_else(|| "it is not".to_owned())
    })
    .await?;
    match redis.command::<u64>(&["XDEL", "order_completed", &entry]).await? {
        1 => Ok(order),
        _ => Err(ChaosError::NotLanded(format!("entry {entry} was gone already"))),
    }
}

pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    arena.database(Kind::Payment).execute(&format!("DELETE FROM outbox WHERE {IS_OURS}")).await?;
    arena.redis()?.command(&["DEL", REFUSING]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_row_is_words_of_sql_that_the_clean_up_finds() {
        let row = stuck("product_changed", ATTEMPTS);
        assert!(row.contains("\"source\":\"shopctl-chaos\"") && row.ends_with("2000000, now())"), "{row}");
    }
}
