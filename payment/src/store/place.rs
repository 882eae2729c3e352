//! Placing orders: many orders and their idempotency keys in one transaction.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use shared::{
    db::{Connection, DbError, Write},
    seeded_bug,
};
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::{
    count_orders,
    orders::{ORDER_COLUMNS, read_order},
    prices::Prices,
};
use crate::domain::{Answer, NewOrder, Order, OrderLine, OrderRequest, Placed, PricingError, Transition};

/// Places orders. The key (user, idempotency key) makes a batch that is run twice place once.
#[derive(Debug)]
pub struct PlaceOrders {
    prices: Prices,
}

impl PlaceOrders {
    /// `price_age`: how long a price that was looked up is used again.
    pub fn new(price_age: Duration) -> Self {
        Self { prices: Prices::new(price_age) }
    }
}

impl Write for PlaceOrders {
    type Item = OrderRequest;
    type Outcome = Placed;
    const NAME: &'static str = "place-orders";

    async fn commit(&self, connection: &Connection, items: &[OrderRequest]) -> Result<Vec<Placed>, DbError> {
        let priced = price(&self.prices, connection, items).await?;
        let orders: Vec<(&OrderRequest, Order)> =
            items.iter().zip(&priced).filter_map(|(item, order)| Some((item, order.as_ref().ok()?.clone()))).collect();
        let created = insert(connection, &orders).await?;
        let rest: Vec<&OrderRequest> = items.iter().filter(|item| !created.contains(&item.order_id)).collect();
        let known = known_keys(connection, &rest).await?;
        let outcome = |(item, priced): (&OrderRequest, Result<Order, PricingError>)| match priced {
            Ok(order) if created.contains(&item.order_id) => Placed::Created(order),
            // A key that is known is answered as it was, even if its product has been deleted since.
            priced => known.get(&(item.user_id, item.key.as_str().to_owned())).map_or_else(|| absent(priced), |known| known.answer(item)),
        };
        Ok(items.iter().zip(priced).map(outcome).collect())
    }

    fn committed(&self, _: &[OrderRequest], placed: &[Placed]) {
        count_orders(placed.iter().filter(|placed| matches!(placed, Placed::Created(_))).map(|_| "pending"));
    }
}

/// Neither created nor known: the cart had no price.
fn absent(priced: Result<Order, PricingError>) -> Placed {
    match priced {
        Err(why) => Placed::NotPriced(why),
        // The key was forgotten between two statements: a day-old key, asked for again this very moment.
        Ok(_) => Placed::KeyReused,
    }
}

async fn price(prices: &Prices, connection: &Connection, items: &[OrderRequest]) -> Result<Vec<Result<Order, PricingError>>, DbError> {
    let skus: HashSet<&str> = items.iter().flat_map(|item| item.cart.lines()).map(|line| line.sku.as_str()).collect();
    let skus: Vec<&str> = skus.into_iter().collect();
    let catalogue = prices.of(connection, &skus).await?;
    let order = |item: &OrderRequest| {
        let (lines, total) = item.cart.price(&catalogue)?;
        let (id, user_id, method) = (item.order_id, item.user_id, item.method);
        Ok(Order::from(NewOrder {
            id,
            user_id,
            lines,
            total,
            method,
            traceparent: item.traceparent.clone(),
            request_id: item.request_id.clone(),
            placed_at: item.placed_at,
        }))
    };
    Ok(items.iter().map(order).collect())
}

/// Inserts keys and, for the keys that are new, orders; the ids of the orders.
async fn insert(connection: &Connection, orders: &[(&OrderRequest, Order)]) -> Result<HashSet<Uuid>, DbError> {
    if orders.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = connection
        .prepare_cached(
            &seeded_bug::plant("check-then-insert-idempotency", "WITH input AS (
                 SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::jsonb[], $8::bigint[],
                                      $9::text[], $10::text[], $11::jsonb[], $12::text[], $13::text[])
                     AS i (id, user_id, key, request_hash, answer, placed_at, items, total, currency, method, timeline, traceparent, request_id)
             ), keyed AS (
                 INSERT INTO idempotency_keys (user_id, key, request_hash, order_id, answer, created_at)
                 SELECT user_id, key, request_hash, id, answer, placed_at FROM input ORDER BY user_id, key
                 ON CONFLICT ON CONSTRAINT idempotency_keys_once DO NOTHING RETURNING order_id
             ), placed AS (
                 INSERT INTO orders (id, user_id, status, items, total, currency, payment_method, version, timeline, traceparent, request_id, created_at, updated_at)
                 SELECT i.id, i.user_id, 'pending', i.items, i.total, i.currency, i.method, 1, i.timeline, i.traceparent, i.request_id, i.placed_at, i.placed_at
                 FROM input i JOIN keyed k ON k.order_id = i.id
             ), due AS (
                 INSERT INTO charges_due (order_id, placed_at) SELECT i.id, i.placed_at FROM input i JOIN keyed k ON k.order_id = i.id
             )
             SELECT order_id FROM keyed",
             "FROM input i JOIN keyed k ON k.order_id = i.id",
             "FROM input i LEFT JOIN idempotency_keys k ON k.user_id = i.user_id AND k.key = i.key WHERE k.key IS NULL"),
        )
        .await?;
    let column = |read: fn(&OrderRequest) -> &str| orders.iter().map(|(item, _)| read(item)).collect::<Vec<&str>>();
    let ids: Vec<Uuid> = orders.iter().map(|(_, order)| order.id).collect();
    let users: Vec<Uuid> = orders.iter().map(|(_, order)| order.user_id).collect();
    let hashes: Vec<&[u8]> = orders.iter().map(|(item, _)| item.request_hash.as_slice()).collect();
    let answers: Vec<Option<&str>> = orders.iter().map(|(item, _)| item.answer.map(Answer::as_str)).collect();
    let placed: Vec<Timestamp> = orders.iter().map(|(item, _)| item.placed_at).collect();
    let lines: Vec<Json<&[OrderLine]>> = orders.iter().map(|(_, order)| Json(order.lines.as_slice())).collect();
    let totals: Vec<i64> = orders.iter().map(|(_, order)| order.total.amount).collect();
    let currencies: Vec<&str> = orders.iter().map(|(_, order)| order.total.currency.as_str()).collect();
    let timelines: Vec<Json<&[Transition]>> = orders.iter().map(|(_, order)| Json(order.timeline.as_slice())).collect();
    let (keys, methods) = (column(|i| i.key.as_str()), column(|i| i.method.as_str()));
    let (traces, requests) = (column(|i| &i.traceparent), column(|i| &i.request_id));
    let rows = connection
        .query(
            &statement,
            &[&ids, &users, &keys, &hashes, &answers, &placed, &lines, &totals, &currencies, &methods, &timelines, &traces, &requests],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What is known under a key.
struct Known {
    request_hash: Vec<u8>,
    answer: Option<Answer>,
    order: Order,
}

impl Known {
    fn answer(&self, item: &OrderRequest) -> Placed {
        if self.order.id == item.order_id {
            // Ours: an earlier attempt at this batch had committed although its connection broke.
            Placed::Created(self.order.as_accepted())
        } else if self.request_hash == item.request_hash {
            Placed::Replayed(self.order.clone(), self.answer)
        } else {
            Placed::KeyReused
        }
    }
}

async fn known_keys(connection: &Connection, items: &[&OrderRequest]) -> Result<HashMap<(Uuid, String), Known>, DbError> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let query = format!(
        "SELECT {ORDER_COLUMNS}, k.key, k.request_hash, k.answer
         FROM unnest($1::uuid[], $2::text[]) AS i (user_id, key)
         CROSS JOIN LATERAL (SELECT * FROM idempotency_keys WHERE user_id = i.user_id AND key = i.key OFFSET 0) AS k
         CROSS JOIN LATERAL (SELECT * FROM orders WHERE id = k.order_id OFFSET 0) AS o"
    );
    let statement = connection.prepare_cached(&query).await?;
    let users: Vec<Uuid> = items.iter().map(|item| item.user_id).collect();
    let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    let rows = connection.query(&statement, &[&users, &keys]).await?;
    let known = |row: &tokio_postgres::Row| {
        let (order, answer) = (read_order(row), row.get::<_, Option<&str>>(18).and_then(Answer::parse));
        ((order.user_id, row.get(16)), Known { request_hash: row.get(17), answer, order })
    };
    Ok(rows.iter().map(known).collect())
}
