//! Which orders a look checks. Ids begin with their time: new orders have the greatest ones, and a walk from
//! the smallest reaches all.
//!
//! ```text
//!   ids  ├── walked ──┤ next page ├─────────────── later looks ───────────────┤ margin ├ new │
//!                                      · open ones, and what was found ·                    now
//! ```

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;
use std::time::Duration;

use events::OrderCompleted;
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::board::Again;
use super::options::Options;
use crate::verify::VerifyError;
use crate::verify::database::Reader;
use crate::verify::facts::{Orders, Status};
use crate::verify::ledger_sample::RowKey;

/// An order may become visible so long after its id was made: its request, and clocks apart.
const MARGIN: Duration = Duration::from_secs(20);
/// Before the first look.
const AT_START: Duration = Duration::from_secs(300);
/// Ids of new orders that are listed at once.
const LISTED: i64 = 50_000;
/// New orders of one look; the rest comes with the next one.
const NEW: usize = 20_000;
/// Open orders of one look, in turn.
const OPEN: usize = 5_000;
/// Open orders that are remembered: 10 MB. The walk finds the others.
const REMEMBERED: usize = 200_000;

pub(super) struct Coverage {
    /// New orders have greater ids. `None` before the first look.
    from: Option<Uuid>,
    /// Orders after `from` that were checked.
    judged: BTreeSet<Uuid>,
    open: BTreeSet<Uuid>,
    open_cursor: Uuid,
    walked: Uuid,
    rows_walked: RowKey,
    /// In inventory and in payment.
    skus_walked: [String; 2],
    /// The last time that the walk of orders came to its end.
    pub(super) all_checked_at: Option<Timestamp>,
}

/// What one look checks.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// All of them, each once.
    pub orders: Vec<Uuid>,
    pub skus: Vec<String>,
    /// Rows to see again.
    pub rows: Vec<RowKey>,
    /// The page of the ledger after this row. `None` leaves it out.
    pub page_after: Option<(RowKey, i64)>,
    next: Option<Next>,
}

/// The state after the look, if it succeeds.
#[derive(Debug)]
struct Next {
    new: Vec<Uuid>,
    from: Uuid,
    walked: Uuid,
    walk_ended: bool,
    open_cursor: Uuid,
    skus_walked: [String; 2],
}

impl Selection {
    /// What was found before, and nothing else.
    pub(super) fn again(again: Again) -> Self {
        let orders: BTreeSet<Uuid> = again.orders.into_iter().collect();
        let skus: BTreeSet<String> = again.skus.into_iter().collect();
        Self {
            orders: orders.into_iter().collect(),
            skus: skus.into_iter().collect(),
            rows: again.rows,
            page_after: None,
            next: None,
        }
    }
}

impl Coverage {
    pub(super) fn new() -> Self {
        Self {
            from: None,
            judged: BTreeSet::new(),
            open: BTreeSet::new(),
            open_cursor: Uuid::nil(),
            walked: Uuid::nil(),
            rows_walked: RowKey::default(),
            skus_walked: [String::new(), String::new()],
            all_checked_at: None,
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) async fn select(
        &self,
        payment: &Reader,
        inventory: &Reader,
        options: &Options,
        again: Again,
    ) -> Result<Selection, VerifyError> {
        let now = payment.number("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").await?;
        let from = self.from.unwrap_or_else(|| id_at(now, AT_START));
        let mut new = ids_after(payment, inventory, from, LISTED).await?;
        let listed_all = new.len() < usize::try_from(LISTED).unwrap_or(usize::MAX);
        new.retain(|id| !self.judged.contains(id));
        let taken_all = listed_all && new.len() <= NEW;
        new.truncate(NEW);

        let limit = options.page(rows(payment, "orders").await?);
        let page = ids_after(payment, inventory, self.walked, limit).await?;
        let walk_ended = i64::try_from(page.len()).unwrap_or(limit) < limit;
        let walked = if walk_ended { Uuid::nil() } else { page.last().copied().unwrap_or_default() };

        let products = options.page(rows(inventory, "products").await?);
        let [of_inventory, of_payment] = &self.skus_walked;
        let in_inventory = skus_after(inventory, "products", of_inventory, products).await?;
        let in_payment = skus_after(payment, "catalogue", of_payment, products).await?;
        let skus_walked = [cursor(&in_inventory, products), cursor(&in_payment, products)];
        let page_after = (self.rows_walked.clone(), options.page(rows(inventory, "stock_ledger").await?));

        let open = self.next_open();
        let open_cursor =
            if open.len() < OPEN { Uuid::nil() } else { open.last().copied().unwrap_or_default() };
        let from = match new.last() {
            Some(last) if !taken_all => from.max(id_at(now, MARGIN).min(*last)),
            _ => from.max(id_at(now, MARGIN)),
        };
        let orders: BTreeSet<Uuid> =
            [new.as_slice(), &page, &open, &again.orders].concat().into_iter().collect();
        let skus: BTreeSet<String> = in_inventory.into_iter().chain(in_payment).chain(again.skus).collect();
        Ok(Selection {
            orders: orders.into_iter().collect(),
            skus: skus.into_iter().collect(),
            rows: again.rows,
            page_after: Some(page_after),
            next: Some(Next { new, from, walked, walk_ended, open_cursor, skus_walked }),
        })
    }

    /// The next ones in turn.
    fn next_open(&self) -> Vec<Uuid> {
        self.open.range((Bound::Excluded(self.open_cursor), Bound::Unbounded)).take(OPEN).copied().collect()
    }

    /// `orders`: as they were read. `page`: the rows of the ledger.
    pub(super) fn done(&mut self, selection: &Selection, orders: &Orders, page: &[RowKey], at: Timestamp) {
        for id in &selection.orders {
            let is_open = |status: Status| !status.is_terminal();
            match orders.get(id) {
                Some(order) if is_open(order.status) => {
                    if self.open.len() < REMEMBERED {
                        self.open.insert(*id);
                    }
                }
                _ => _ = self.open.remove(id),
            }
        }
        let Some(next) = &selection.next else { return };
        self.judged.extend(&next.new);
        self.judged = self.judged.split_off(&next.from);
        self.from = Some(next.from);
        self.walked = next.walked;
        self.open_cursor = next.open_cursor;
        self.skus_walked.clone_from(&next.skus_walked);
        if next.walk_ended {
            self.all_checked_at = Some(at);
        }
        let Some((_, limit)) = selection.page_after else { return };
        let is_full = i64::try_from(page.len()).is_ok_and(|rows| rows >= limit);
        self.rows_walked = page.last().filter(|_| is_full).cloned().unwrap_or_default();
    }
}

/// A page that is not full was the last one.
fn cursor(page: &[String], limit: i64) -> String {
    let is_full = i64::try_from(page.len()).is_ok_and(|rows| rows >= limit);
    page.last().filter(|_| is_full).cloned().unwrap_or_default()
}

/// The smallest id of a moment: a UUIDv7 begins with 48 bits of milliseconds.
fn id_at(now: i64, before: Duration) -> Uuid {
    let milliseconds = u128::try_from(now).unwrap_or_default().saturating_sub(before.as_millis());
    Uuid::from_u128(milliseconds << 80)
}

/// An estimate; below 0 for a table that was never analysed.
async fn rows(reader: &Reader, table: &str) -> Result<f64, VerifyError> {
    let sql = format!("SELECT reltuples::bigint FROM pg_class WHERE oid = '{table}'::regclass");
    Ok(reader.number(&sql).await? as f64)
}

/// Orders that any table knows, also those that payment lost. Sorted; the first `limit` after `low`.
async fn ids_after(
    payment: &Reader,
    inventory: &Reader,
    low: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, VerifyError> {
    let mut ids = HashSet::new();
    let in_payment = "(SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2)
        UNION (SELECT order_id FROM provider.charges WHERE order_id > $1 ORDER BY order_id LIMIT $2)
        UNION (SELECT order_id FROM provider.refunds WHERE order_id > $1 ORDER BY order_id LIMIT $2)";
    let in_ledger = "SELECT order_id FROM stock_ledger WHERE order_id > $1 ORDER BY order_id LIMIT $2";
    let in_inbox = "SELECT event_id FROM inbox WHERE event_id > $1 ORDER BY event_id LIMIT $2";
    let arguments: [&(dyn ToSql + Sync); 2] = [&low, &limit];
    payment.each(in_payment, &arguments, |row| _ = ids.insert(row.get::<_, Uuid>(0))).await?;
    inventory.each(in_ledger, &arguments, |row| _ = ids.insert(row.get::<_, Uuid>(0))).await?;
    // Ids of the same millisecond may be in another order.
    let first = Uuid::from_u128(low.as_u128() >> 64 << 64);
    let arguments: [&(dyn ToSql + Sync); 2] = [&first, &limit];
    // The id of the event of an event is that of the order.
    let note = |row: &Row| ids.extend(Some(OrderCompleted::event_id(row.get(0))).filter(|id| *id > low));
    inventory.each(in_inbox, &arguments, note).await?;
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(ids)
}

async fn skus_after(reader: &Reader, table: &str, low: &str, limit: i64) -> Result<Vec<String>, VerifyError> {
    let sql = format!("SELECT sku FROM {table} WHERE sku > $1 ORDER BY sku LIMIT $2");
    Ok(reader.rows(&sql, &[&low, &limit]).await?.iter().map(|row| row.get(0)).collect())
}
