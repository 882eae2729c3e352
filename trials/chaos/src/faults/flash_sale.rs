//! F9: 1,000 orders for one product at once, at every instance.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::one;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;

const STOCK: u32 = 100;
/// One customer places them all, which saves password hashing.
const BUYERS: usize = 1000;
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);
const OPEN: &str =
    "SELECT count(*) FROM orders WHERE items::jsonb @> $1 AND status IN ('pending', 'completed')";
const SOLD: &str = "SELECT count(*) FROM orders WHERE items::jsonb @> $1 AND status = 'confirmed'";

pub async fn sell_out(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let sku = format!("FLASH-{}", uuid::Uuid::new_v4().simple().to_string().to_uppercase());
    let inventory = arena.shop().inventory.first().cloned().unwrap_or_default();
    arena.admin.create_product(&inventory, &sku, STOCK).await?;
    let (placed, waited) = tokio::join!(everybody_orders(arena, &sku), side_by_side(arena, &sku));
    let recovering = arena.begin_recovery(planned.limit());
    let waited = placed.and(waited)?;
    let sold = sold_in_the_end(arena, &sku).await?;
    let left = arena
        .database(Kind::Inventory)
        .number("SELECT on_hand::bigint FROM products WHERE sku = $1", &[&sku])
        .await?;
    if (sold, left) != (i64::from(STOCK), 0) {
        arena.findings.push(format!("{sold} of {STOCK} were sold, {left} are left"));
    }
    let evidence = format!(
        "{BUYERS} orders for {STOCK} pieces: {sold} sold, {left} left; {waited} commits waited side by side"
    );
    Ok(InjectedFault { evidence, recovering })
}

async fn everybody_orders(arena: &Arena, sku: &str) -> Result<(), ChaosError> {
    let order = one(sku);
    let buyer = &arena.buyer;
    let mut placed = stream::iter(0..BUYERS)
        .map(|_| buyer.place_until_accepted(&order, PATIENCE))
        .buffer_unordered(AT_ONCE);
    while let Some(order) = placed.next().await {
        order?;
    }
    Ok(())
}

/// Locks the product until every instance waits with a decided batch, so that all commit at once.
async fn side_by_side(arena: &Arena, sku: &str) -> Result<i64, ChaosError> {
    let inventory = arena.database(Kind::Inventory);
    let instances = arena.ids(Kind::Inventory).len();
    let row = inventory.hold(&format!("SELECT 1 FROM products WHERE sku = '{sku}' FOR UPDATE")).await?;
    let waited = inventory.waiting(instances, arena.profile.statement_timeout() / 2).await?;
    row.release().await?;
    Ok(waited)
}

async fn sold_in_the_end(arena: &Arena, sku: &str) -> Result<i64, ChaosError> {
    let payment = arena.database(Kind::Payment);
    let item = json!([{"sku": sku}]);
    wait::until("every order of the flash sale is at its end", PATIENCE, async || {
        match payment.number(OPEN, &[&item]).await {
            Ok(0) => Ok(()),
            Ok(open) => Err(format!("{open} are not")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?;
    payment.number(SOLD, &[&item]).await
}
