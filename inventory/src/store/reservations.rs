//! The one transaction of a batch of orders, across SKUs: inbox with the reply, stock and ledger, or nothing
//! of it.
//!
//! The reply has no row in the outbox: the question has one, in the database of who asks, and stays there
//! until the reply has come. The inbox row answers it again as often as it is asked.
//!
//! The constraints are the guard, not this process' memory: `inbox_once` refuses an event that had its
//! effect, `products_on_hand_never_negative` refuses what is not there, `stock_ledger_order_once` refuses a
//! second taking for the same order. Any of them rolls the whole batch back, and the caller decides anew.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use events::{Envelope, INVENTORY_GROUP};
use runtime::{
    db::{Connection, DbError, Write},
    inbox::{self, StoredReply},
    seeded_bug,
};
use uuid::Uuid;

use super::products::level;
use crate::domain::{Level, Line, Sku};

/// The CHECK that makes overselling impossible.
pub const NEVER_NEGATIVE: &str = "products_on_hand_never_negative";

/// The constraint that refuses to take for an order twice; of a known event it is met before the inbox's.
pub const ORDER_ONCE: &str = "stock_ledger_order_once";

/// What was decided over one event.
#[derive(Debug, Clone)]
pub struct DecidedOrder {
    pub event_id: Uuid,
    pub order_id: Uuid,
    /// What its order takes; nothing when it is refused.
    pub taken: Vec<Line>,
    pub reply: Arc<Reply>,
}

/// What is answered to an event.
#[derive(Debug, Clone)]
pub struct Reply {
    pub stream: &'static str,
    pub envelope: Envelope,
}

/// The events among `ids` that have had their effect, each with the reply it was given.
///
/// # Errors
/// The database did not answer.
pub async fn answered(
    connection: &Connection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<StoredReply<'static>>>, DbError> {
    inbox::processed(connection, INVENTORY_GROUP, ids).await
}

/// Commits decided.
#[derive(Debug, Clone, Copy)]
pub struct WriteStock;

/// Rows are locked in the order of their SKUs, so that two instances wait for each other instead of
/// deadlocking. A line of a product that is not in the table has no balance and violates NOT NULL: it cannot
/// be skipped. The ids of the whole batch are drawn while all its rows are locked, so the last of them is
/// later than all that each product was before, and earlier than what comes.
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

/// [`COMMIT`]; with a mistake in it where a build can have one and is told to.
fn with_seeded_bugs() -> Cow<'static, str> {
    let replied = "SELECT $1, unnest($2::uuid[]), unnest($3::text[])";
    let statement = seeded_bug::plant("no-inbox", COMMIT, replied, &format!("{replied} WHERE false"));
    let read = "(SELECT read.on_hand FROM products read WHERE read.sku = p.sku)";
    seeded_bug::plant(
        "read-then-write-stock",
        statement,
        "SET on_hand = p.on_hand",
        &format!("SET on_hand = {read}"),
    )
}

impl Write for WriteStock {
    type Item = Arc<DecidedOrder>;
    /// What is on hand after the whole batch of each product that anything in it takes.
    type Outcome = Arc<HashMap<Sku, Level>>;

    const NAME: &'static str = "stock";
    /// In a batch twice as large every product is written half as often an order.
    const PATIENCE: u32 = 6;
    /// A shortage was decided on the assumption that what is held before it commits.
    const DEPENDENT: bool = true;

    async fn commit(
        &self,
        connection: &Connection,
        decided: &[Arc<DecidedOrder>],
    ) -> Result<Vec<Self::Outcome>, DbError> {
        let statement = connection.prepare_cached(&with_seeded_bugs()).await?;
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
        let levels: Self::Outcome = Arc::new(levels?);
        Ok(vec![levels; decided.len()])
    }
}

/// Everything that is taken, as columns.
#[derive(Default)]
struct LineColumns<'a> {
    events: Vec<Uuid>,
    orders: Vec<Uuid>,
    skus: Vec<&'a str>,
    quantities: Vec<i32>,
    /// How much of the same product the lines after this one take.
    later: Vec<i32>,
    /// How much of each product all of them take.
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
