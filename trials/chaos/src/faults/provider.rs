//! F23: the provider refuses two refunds, or the charges of one product.
//!
//! A trigger refuses, on the provider's tables in payment's database.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::liveness::{NOISE, WITHIN, others_end};
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::one;
use crate::schedule::PlannedFault;
use ctl::api::DeadLetter;
use ctl::client_log::Record;
use ctl::stack::Kind;
use ctl::wait;

/// More charges than one round of the reconciler, which must reach beyond the oldest.
const REFUSED_CHARGES: usize = 1200;
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(120);
/// Several retries of an item.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// The backoff of the refund has grown.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
const BURIED_WITHIN: Duration = Duration::from_secs(20);
const FOR_A_WHILE: &str = "RAISE EXCEPTION 'refused'";
/// A final refusal: the violation of this constraint.
const FOR_EVER: &str =
    "RAISE EXCEPTION 'refused for good' USING ERRCODE = '23514', CONSTRAINT = 'provider_refuses'";
const LETTERS: usize = 1000;

/// Products without stock make each order a refund.
pub async fn refund(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let awhile = Refused::of(planned, 0);
    let ever = Refused::of(planned, 1);
    let first = awhile.create_product(arena, 0).await?;
    let second = ever.create_product(arena, 0).await?;
    let other = Refused::of(planned, 2).create_product(arena, 0).await?;
    awhile.install(arena, "provider.refunds", FOR_A_WHILE).await?;
    ever.install(arena, "provider.refunds", FOR_EVER).await?;
    let first = arena.buyer.place_until_accepted(&one(&first), PATIENCE).await?;
    let second = arena.buyer.place_until_accepted(&one(&second), PATIENCE).await?;
    let seen = refused_refunds(arena, second, &other).await;
    sleep(REFUSED_FOR).await;
    let still_open = arena.database(Kind::Payment).number(OPEN, &[&vec![first, second]]).await?;
    awhile.remove(arena, "provider.refunds").await?;
    ever.remove(arena, "provider.refunds").await?;
    ends(arena, first, "a refund that was refused for a while").await;
    if let Some(letter) = seen {
        arena.admin.api().await?.redrive(Kind::Payment, &letter.id).await?;
        ends(arena, second, "a refund that was redriven").await;
    }
    match still_open {
        2 => Ok(InjectedFault {
            evidence: "two refunds were refused".to_owned(),
            recovering: arena.begin_recovery(planned.limit()),
        }),
        open => Err(ChaosError::NotLanded(format!("{open} of the 2 refunds were open"))),
    }
}

const OPEN: &str = "SELECT count(*) FROM orders WHERE id = ANY($1) AND status = 'completed'";

/// The refund refused for good becomes an expected dead letter in the client log.
async fn refused_refunds(arena: &mut Arena, for_good: Uuid, other: &str) -> Option<DeadLetter> {
    other_refund_ends(arena, other).await;
    others_end(arena, "a refund is refused").await;
    let found = buried(arena, for_good).await;
    let wrong = found.as_ref().err().map(ToString::to_string);
    arena
        .findings
        .extend(wrong.as_ref().map(|wrong| format!("refused for good without a dead letter: {wrong}")));
    arena.invariants.progress.note("a refund that is refused for good", wrong);
    found.ok()
}

async fn other_refund_ends(arena: &mut Arena, sku: &str) {
    let other = async {
        let order = arena.buyer.place_until_accepted(&one(sku), PATIENCE).await?;
        arena.buyer.wait_for_end(order, WITHIN + NOISE).await
    };
    let wrong = other.await.err().map(|error| error.to_string());
    arena.findings.extend(wrong.as_ref().map(|wrong| format!("another refund does not end: {wrong}")));
    arena.invariants.progress.note("another refund", wrong);
}

async fn buried(arena: &Arena, order: Uuid) -> Result<DeadLetter, ChaosError> {
    let api = arena.admin.api().await?;
    let letter = wait::until("the dead letter", BURIED_WITHIN, async || {
        let letters = api
            .dead_letters(Kind::Payment, Some("refund_order"), LETTERS)
            .await
            .map_err(|error| error.to_string())?;
        let of_order = |letter: &DeadLetter| letter.event["data"]["order_id"] == order.to_string();
        letters.into_iter().find(of_order).ok_or_else(|| format!("none of order {order}"))
    })
    .await?;
    let event_id = letter.event["id"].as_str().unwrap_or_default().to_owned();
    let record = Record::Poison { at: jiff::Timestamp::now(), stream: "refund_order".to_owned(), event_id };
    arena.log.write(&record).await.map_err(ChaosError::io("write the client log"))?;
    Ok(letter)
}

async fn ends(arena: &mut Arena, order: Uuid, what: &str) {
    let wrong = arena.buyer.wait_for_end(order, ENDS_WITHIN).await.err().map(|error| error.to_string());
    arena.findings.extend(wrong.as_ref().map(|wrong| format!("{what}: {wrong}")));
    arena.invariants.progress.note(what, wrong);
}

pub async fn charges(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let refused = Refused::of(planned, 3);
    let sku = refused.create_product(arena, 1_000_000).await?;
    refused.install(arena, "provider.charges", FOR_A_WHILE).await?;
    let placed = place(arena, &sku).await;
    sleep(REFUSED_FOR).await;
    for _ in 0..3 {
        others_end(arena, "1,200 charges of another product are refused").await;
    }
    let pending = arena
        .database(Kind::Payment)
        .number("SELECT count(*) FROM orders WHERE status = 'pending'", &[])
        .await;
    refused.remove(arena, "provider.charges").await?;
    let recovering = arena.begin_recovery(planned.limit());
    let placed = placed?;
    let pending = pending?;
    match usize::try_from(pending).unwrap_or(0) {
        open if open >= placed => Ok(InjectedFault {
            evidence: format!("{open} orders waited for a charge that was refused"),
            recovering,
        }),
        open => Err(ChaosError::NotLanded(format!("only {open} of {placed} were refused"))),
    }
}

async fn place(arena: &Arena, sku: &str) -> Result<usize, ChaosError> {
    let order = one(sku);
    let placed = stream::iter(0..REFUSED_CHARGES)
        .map(|_| arena.buyer.place_until_accepted(&order, PATIENCE))
        .buffer_unordered(AT_ONCE);
    placed.try_collect::<Vec<_>>().await.map(|orders| orders.len())
}

/// Refuses all rows of one amount, the unique price of a product.
struct Refused {
    amount: i64,
}

impl Refused {
    fn of(planned: &PlannedFault, which: i64) -> Self {
        Self { amount: 1_000_000 + i64::from(planned.draw % 1_000_000) * 10 + which }
    }

    async fn create_product(&self, arena: &Arena, stock: u32) -> Result<String, ChaosError> {
        let sku = format!("CHAOS-REFUSED-{}", self.amount);
        let price = json!({"amount": self.amount, "currency": "EUR"});
        let product = json!({"sku": sku, "name": sku, "price": price, "stock": stock});
        let inventory = arena.stack.first(Kind::Inventory)?.url();
        arena.admin.call(reqwest::Method::POST, &inventory, "/products", Some(&product)).await?;
        let known = "SELECT count(*) FROM catalogue WHERE sku = $1";
        let payment = arena.database(Kind::Payment);
        wait::until(format!("payment knows {sku}"), EVIDENCE_WITHIN, async || {
            match payment.number(known, &[&sku]).await {
                Ok(1) => Ok(()),
                Ok(_) => Err("it does not".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await?;
        Ok(sku)
    }

    fn name(&self) -> String {
        format!("chaos_refuses_{}", self.amount)
    }

    async fn install(&self, arena: &Arena, table: &str, refusal: &str) -> Result<(), ChaosError> {
        let name = self.name();
        let amount = self.amount;
        let sql = format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refusal}; END $$;
             CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.amount = {amount}) EXECUTE FUNCTION {name}()"
        );
        arena.database(Kind::Payment).execute(&sql).await
    }

    async fn remove(&self, arena: &Arena, table: &str) -> Result<(), ChaosError> {
        let name = self.name();
        arena
            .database(Kind::Payment)
            .execute(&format!("DROP TRIGGER IF EXISTS {name} ON {table}; DROP FUNCTION IF EXISTS {name}()"))
            .await
    }
}

pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    let sql = "DO $$ DECLARE left_behind record; BEGIN
        FOR left_behind IN SELECT proname FROM pg_proc WHERE proname LIKE 'chaos\\_refuses\\_%' LOOP
            EXECUTE format('DROP FUNCTION %I() CASCADE', left_behind.proname);
        END LOOP; END $$";
    arena.database(Kind::Payment).execute(sql).await
}
