//! The one transaction of a batch of orders: inbox, replies, stock and ledger.
//!
//! The inbox row answers repetitions, so a reply has no outbox row. A violated constraint rolls the batch
//! back, and the caller decides again.

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

/// Prevents overselling.
pub const NEVER_NEGATIVE: &str = "products_on_hand_never_negative";

/// Refuses taking stock twice for an order, before the inbox does.
pub const ORDER_ONCE: &str = "stock_ledger_order_once";

#[derive(Debug, Clone)]
pub struct DecidedOrder {
    pub event_id: Uuid,
    pub order_id: Uuid,
    /// Empty for a refused order.
    pub taken: Vec<Line>,
    pub reply: Arc<Reply>,
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub stream: &'static str,
    pub envelope: Envelope,
}

/// Returns the processed events among `ids`.
pub async fn answered(
    connection: &Connection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<StoredReply<'static>>>, DbError> {
    inbox::processed(connection, INVENTORY_GROUP, ids).await
}

#[derive(Debug, Clone, Copy)]
pub struct WriteStock;

/// Rows are locked in SKU order, so two instances wait instead of deadlocking. An unknown product has no
/// balance, which violates NOT NULL. Ledger ids are drawn under all locks: the largest is the latest.
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
    /// Twice the batch updates each product row half as often per order.
    const MAX_WAIT_INTERVALS: u32 = 12;
    fn trace(order: &Arc<DecidedOrder>) -> Option<&str> {
        Some(&order.reply.envelope.traceparent)
    }
    fn is_awaited(order: &Arc<DecidedOrder>) -> bool {
        order.reply.envelope.awaited
    }
    /// A shortage assumes that the holds before it commit.
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

#[derive(Default)]
struct LineColumns<'a> {
    events: Vec<Uuid>,
    orders: Vec<Uuid>,
    skus: Vec<&'a str>,
    quantities: Vec<i32>,
    /// Quantity of the same product in later lines.
    later: Vec<i32>,
    /// Quantity by product.
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
