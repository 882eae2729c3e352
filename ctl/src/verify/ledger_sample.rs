//! I1 and I2 for a part of the stock ledger: each row is compared with the row before it, so that the whole
//! chain holds once every row was read.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::VerifyError;
use super::database::Snapshot;
use super::facts::{Name, Names};
use super::findings::Findings;
use super::ledger::Taken;
use super::levels::{Levels, Movement};

/// A row of the ledger: SKU and id.
pub(super) type RowKey = (String, i64);

/// With the balance before each row `l`.
const ROWS: &str = "
    SELECT l.sku, l.id, l.delta::bigint, l.balance::bigint, l.order_id,
           coalesce((SELECT b.balance FROM stock_ledger b WHERE b.sku = l.sku AND b.id < l.id
                     ORDER BY b.id DESC LIMIT 1), 0)::bigint
    FROM stock_ledger l";

/// The last row of each product `p`, with the balance before it.
const PRODUCTS: &str = "
    SELECT p.sku, p.on_hand::bigint, l.id, l.delta::bigint, l.balance::bigint,
           coalesce((SELECT b.balance FROM stock_ledger b WHERE b.sku = p.sku AND b.id < l.id
                     ORDER BY b.id DESC LIMIT 1), 0)::bigint
    FROM products p
    LEFT JOIN LATERAL (SELECT s.id, s.delta, s.balance FROM stock_ledger s WHERE s.sku = p.sku
                       ORDER BY s.id DESC LIMIT 1) l ON true
    WHERE p.sku = ANY($1)";

/// Reads the rows of these orders.
pub(super) async fn of_orders(
    inventory: &Snapshot<'_>,
    orders: &[Uuid],
    names: &mut Names,
    findings: &mut Findings,
) -> Result<(Taken, BTreeSet<String>), VerifyError> {
    let mut skus = BTreeSet::new();
    let mut taken = HashMap::<Uuid, Vec<(Name, i64)>>::new();
    let take = |sku: &str, movement: Movement, order: Option<Uuid>| {
        if !skus.contains(sku) {
            skus.insert(sku.to_owned());
        }
        if let Some(order) = order {
            taken.entry(order).or_default().push((movement.sku, -movement.delta));
        }
    };
    let sql = format!("{ROWS} WHERE l.order_id = ANY($1)");
    rows(inventory, &sql, &[&orders], names, findings, take).await?;
    let taken = taken.into_iter().map(|(order, lines)| (order, lines.into_iter().collect())).collect();
    Ok((taken, skus))
}

/// Reads a page of the ledger, and returns its rows.
pub(super) async fn page(
    inventory: &Snapshot<'_>,
    after: &RowKey,
    limit: i64,
    names: &mut Names,
    findings: &mut Findings,
) -> Result<Vec<RowKey>, VerifyError> {
    let mut read = Vec::new();
    let take = |sku: &str, movement: Movement, _| read.push((sku.to_owned(), movement.id));
    let sql = format!("{ROWS} WHERE (l.sku, l.id) > ($1, $2) ORDER BY l.sku, l.id LIMIT $3");
    rows(inventory, &sql, &[&after.0, &after.1, &limit], names, findings, take).await?;
    Ok(read)
}

/// Reads these rows again.
pub(super) async fn again(
    inventory: &Snapshot<'_>,
    keys: &[RowKey],
    names: &mut Names,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let (skus, ids): (Vec<&str>, Vec<i64>) = keys.iter().map(|(sku, id)| (sku.as_str(), *id)).unzip();
    let sql = format!(
        "{ROWS} JOIN unnest($1::text[], $2::bigint[]) AS k (sku, id) ON k.sku = l.sku AND k.id = l.id"
    );
    rows(inventory, &sql, &[&skus, &ids], names, findings, |_, _, _| {}).await
}

async fn rows(
    inventory: &Snapshot<'_>,
    sql: &str,
    arguments: &[&(dyn ToSql + Sync)],
    names: &mut Names,
    findings: &mut Findings,
    mut take: impl FnMut(&str, Movement, Option<Uuid>),
) -> Result<(), VerifyError> {
    let mut levels = Levels::default();
    let judge = |row: &tokio_postgres::Row| {
        let sku: &str = row.get(0);
        let number = names.number(sku);
        let movement = Movement { sku: number, id: row.get(1), delta: row.get(2), balance: row.get(3) };
        levels.begin(number, row.get(5));
        levels.judge(movement, sku, findings);
        take(sku, movement, row.get(4));
    };
    inventory.each(sql, arguments, judge).await
}

/// Compares what is on hand of these products with the end of their ledgers.
pub(super) async fn products(
    inventory: &Snapshot<'_>,
    skus: &[String],
    names: &mut Names,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut levels = Levels::default();
    let judge = |row: &tokio_postgres::Row| {
        let sku: &str = row.get(0);
        let number = names.number(sku);
        if let Some(id) = row.get::<_, Option<i64>>(2) {
            levels.begin(number, row.get(5));
            let movement = Movement { sku: number, id, delta: row.get(3), balance: row.get(4) };
            levels.judge(movement, sku, findings);
        }
        levels.judge_on_hand(number, sku, row.get(1), findings);
    };
    inventory.each(PRODUCTS, &[&skus], judge).await
}
