//! The one transaction of a batch of orders, across SKUs: inbox with the reply, stock and ledger.
//!
//! The reply has no outbox row here. The outbox of payment holds the question until the reply arrives, and
//! the inbox row answers every repetition.
//!
//! Constraints in the database are the guard: `inbox_once` refuses a processed event,
//! `products_on_hand_never_negative` refuses missing stock, `stock_ledger_order_once` refuses a second
//! reservation of an order. Any of them rolls the batch back, and the caller decides again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use events::{Envelope, INVENTORY_GROUP};
use runtime::{
    db::{Connection, DbError, Write},
    inbox::{self, StoredReply},
};
use uuid::Uuid;

use super::products::level;
use crate::domain::{Level, Line, Sku};

/// The CHECK that makes overselling impossible.
pub const NEVER_NEGATIVE: &str = "products_on_hand_never_negative";

/// The constraint that refuses to take stock twice for an order. A processed event violates it before the
/// inbox.
pub const ORDER_ONCE: &str = "stock_ledger_order_once";

/// An order whose decision is to be committed.
#[derive(Debug, Clone)]
pub struct DecidedOrder {
    pub event_id: Uuid,
    pub order_id: Uuid,
    /// The lines to take; empty for a refused order.
    pub taken: Vec<Line>,
    pub reply: Arc<Reply>,
}

/// The reply to an event.
#[derive(Debug, Clone)]
pub struct Reply {
    pub stream: &'static str,
    pub envelope: Envelope,
}

/// The processed events among `ids`, each with its stored reply.
///
/// # Errors
/// The database did not answer.
pub async fn answered(
    connection: &Connection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<StoredReply<'static>>>, DbError> {
    inbox::processed(connection, INVENTORY_GROUP, ids).await
}

/// Commits decided orders.
#[derive(Debug, Clone, Copy)]
pub struct WriteStock;

/// Rows are locked in the order of their SKUs, so two instances wait instead of deadlocking. A line of an
/// unknown product has no balance and violates NOT NULL. All ledger ids are drawn while all rows are locked:
/// the largest is later than every earlier entry of these products, and earlier than every later one.
const COMMIT: &str = "
    WITH replied AS (
        INSERT INTO inbox (consumer, event_id, reply) SELECT $1, unnest($2::uuid[]), unnest($3::text[])
    ), locked AS MATERIALIZED (
        SELECT sku FROM products WHERE sku = ANY($8) ORDER BY sku FOR UPDATE
    ), taken AS (
        UPDATE products p SET on_hand = p.on_hand - w.quantity
        FROM locked JOIN unnest($8::text[], $9::int[]) AS w (sku, quantity) USING (sku) WHERE p.sku = locked.sku AND p.sku = ANY($8)
        RETURNING p.sku, p.on_hand
    ), booked AS (
        INSERT INTO stock_ledger (sku, delta, balance, reason, order_id, event_id)
        SELECT l.sku, -l.quantity, t.on_hand + l.later, 'order', l.order_id, l.event_id
        FROM (SELECT unnest($4::uuid[]) AS event_id, unnest($5::uuid[]) AS order_id, unnest($6::text[]) AS sku, unnest($7::int[]) AS quantity,
                     unnest($10::int[]) AS later, generate_series(1, cardinality($4)) AS place) AS l
        LEFT JOIN taken t USING (sku)
        ORDER BY l.place
        RETURNING id
    )
    SELECT sku, on_hand, (SELECT max(id) FROM booked) FROM taken";

impl Write for WriteStock {
    type Item = Arc<DecidedOrder>;
    /// The level of each product after the whole batch.
    type Output = Arc<HashMap<Sku, Level>>;

    const NAME: &'static str = "stock";
    /// A batch twice as large updates each product row half as often per order.
    const MAX_WAIT_INTERVALS: u32 = 6;
    /// A shortage was decided on the assumption that the holds before it commit.
    const DEPENDENT: bool = true;

    async fn commit(
        &self,
        connection: &Connection,
        decided: &[Arc<DecidedOrder>],
    ) -> Result<Vec<Self::Output>, DbError> {
        let statement = connection.prepare_cached(COMMIT).await?;
        let events: Vec<Uuid> = decided.iter().map(|order| order.event_id).collect();
        let lines = LineColumns::of(decided);
        let replies: Vec<String> =
            decided.iter().map(|order| StoredReply::from(&order.reply.envelope).to_json()).collect();
        let rows = connection
            .query(
                &statement,
                &[
                    &INVENTORY_GROUP,
                    &events,
                    &replies,
                    &lines.events,
                    &lines.orders,
                    &lines.skus,
                    &lines.quantities,
                    &lines.wanted.keys().copied().collect::<Vec<&str>>(),
                    &lines.wanted.values().copied().collect::<Vec<i32>>(),
                    &lines.later,
                ],
            )
            .await?;
        let levels: Result<_, DbError> =
            rows.iter().map(|row| Ok((Sku::stored(row.get(0)?), level(row, 1)?))).collect();
        let levels: Self::Output = Arc::new(levels?);
        Ok(vec![levels; decided.len()])
    }
}

/// All taken lines, as columns.
#[derive(Default)]
struct LineColumns<'a> {
    events: Vec<Uuid>,
    orders: Vec<Uuid>,
    skus: Vec<&'a str>,
    quantities: Vec<i32>,
    /// The quantity of the same product in the lines after this one.
    later: Vec<i32>,
    /// The quantity of each product in all lines.
    wanted: BTreeMap<&'a str, i32>,
}

impl<'a> LineColumns<'a> {
    fn of(decided: &'a [Arc<DecidedOrder>]) -> Self {
        let mut columns = Self::default();
        for (order, line) in
            decided.iter().flat_map(|order| order.taken.iter().map(move |line| (order, line)))
        {
            columns.events.push(order.event_id);
            columns.orders.push(order.order_id);
            columns.skus.push(line.sku.as_str());
            columns.quantities.push(i32::try_from(line.quantity).unwrap_or(i32::MAX));
        }
        for (sku, quantity) in columns.skus.iter().zip(&columns.quantities).rev() {
            let taken = columns.wanted.entry(sku).or_default();
            columns.later.push(*taken);
            *taken = taken.saturating_add(*quantity);
        }
        columns.later.reverse();
        columns
    }
}
