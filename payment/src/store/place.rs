use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runtime::db::{Connection, DbError, Row, Write};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{
    count_orders,
    optimistic_insert::OptimisticInsert,
    orders::{ORDER_COLUMNS, read_order},
    prices::{CatalogueChanges, Prices},
};
use crate::domain::{Money, NewOrder, Order, OrderLine, OrderRequest, Placed, PricingError, ResponseKind};

/// The key (user, idempotency key) makes a repeated batch place once.
pub struct PlaceOrders {
    prices: Prices,
    optimistic: OptimisticInsert,
    charge: Box<dyn Fn(Vec<Arc<Order>>)>,
}

impl PlaceOrders {
    /// `charge` receives the committed orders before their requests are answered. If it fails, `charges_due`
    /// still holds them.
    pub fn new(price_age: Duration, charge: impl Fn(Vec<Arc<Order>>) + 'static) -> Self {
        Self {
            prices: Prices::new(price_age),
            optimistic: OptimisticInsert::default(),
            charge: Box::new(charge),
        }
    }

    /// Prices are read anew after each of `changes`.
    #[must_use]
    pub fn following(self, changes: CatalogueChanges) -> Self {
        Self { prices: self.prices.following(changes), ..self }
    }
}

impl Write for PlaceOrders {
    type Item = Arc<OrderRequest>;
    type Output = Placed;
    const NAME: &'static str = "place-orders";

    fn trace(order: &Arc<OrderRequest>) -> Option<&str> {
        Some(&order.traceparent)
    }

    async fn commit(
        &self,
        connection: &Connection,
        items: &[Arc<OrderRequest>],
    ) -> Result<Vec<Placed>, DbError> {
        let priced = price(&self.prices, connection, items).await?;
        let Created { ids: created, at } = self.insert(connection, items, &priced).await?;
        let rest: Vec<&OrderRequest> =
            items.iter().map(Arc::as_ref).filter(|item| !created.contains(&item.order_id)).collect();
        let known = known_keys(connection, &rest).await?;
        let outcome = |(item, priced): (&Arc<OrderRequest>, Result<Priced, PricingError>)| match priced {
            Ok(priced) if created.contains(&item.order_id) => {
                Placed::Created(Arc::new(order(item, priced, at)))
            }
            // A known key gets its response, even if the product was deleted since.
            priced => known
                .get(&(item.user_id, item.key.as_str().to_owned()))
                .map_or_else(|| not_placed(priced), |known| known.outcome(item)),
        };
        Ok(items.iter().zip(priced).map(outcome).collect())
    }

    fn committed(&self, _: &[Arc<OrderRequest>], placed: &[Placed]) {
        let created = placed.iter().filter_map(|placed| {
            if let Placed::Created(order) = placed { Some(Arc::clone(order)) } else { None }
        });
        let created: Vec<Arc<Order>> = created.collect();
        count_orders(created.iter().map(|_| "pending"));
        (self.charge)(created);
    }
}

fn not_placed(priced: Result<Priced, PricingError>) -> Placed {
    match priced {
        Err(why) => Placed::NotPriced(why),
        // The order was deleted by hand between two statements.
        Ok(_) => Placed::KeyReused,
    }
}

struct Priced {
    lines: Vec<OrderLine>,
    total: Money,
}

async fn price(
    prices: &Prices,
    connection: &Connection,
    items: &[Arc<OrderRequest>],
) -> Result<Vec<Result<Priced, PricingError>>, DbError> {
    let skus: HashSet<&str> =
        items.iter().flat_map(|item| item.cart.lines()).map(|line| line.sku.as_str()).collect();
    let skus: Vec<&str> = skus.into_iter().collect();
    let catalogue = prices.of(connection, &skus).await?;
    let priced = |item: &Arc<OrderRequest>| {
        let (lines, total) = item.price(|sku| catalogue.get(sku).map(AsRef::as_ref))?;
        Ok(Priced { lines, total })
    };
    Ok(items.iter().map(priced).collect())
}

fn order(item: &OrderRequest, priced: Priced, placed_at: Timestamp) -> Order {
    let Priced { lines, total } = priced;
    let traceparent = item.traceparent.clone();
    let request_id = item.request_id.clone();
    Order::from(NewOrder {
        id: item.order_id,
        user_id: item.user_id,
        lines,
        total,
        method: item.method,
        traceparent,
        request_id,
        placed_at,
        response: item.response,
    })
}

/// `unnest` stands in the SELECT list because `FROM unnest(…, …)` stores every column first: a seventh of the
/// statement's time.
const ORDERS: &str = "
    INSERT INTO orders (id, user_id, status, version, total, created_at, currency, payment_method, idempotency_key, request_hash,
                        answer, request_id, traceparent, items)
    SELECT id, user_id, 'pending', 1, total, now(), currency, method, key, request_hash, answer, request_id, traceparent, items
    FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS user_id, unnest($3::bigint[]) AS total, unnest($4::text[]) AS currency,
                 unnest($5::text[]) AS method, unnest($6::text[]) AS key, unnest($7::bytea[]) AS request_hash, unnest($8::text[]) AS answer,
                 unnest($9::text[]) AS request_id, unnest($10::text[]) AS traceparent, unnest($11::json[]) AS items) AS i";

/// All times of an order come from PostgreSQL: this is the first.
fn insert_all_sql() -> String {
    format!(
        "WITH placed AS ({ORDERS}), due AS (INSERT INTO charges_due (batch, orders, placed_at) VALUES (($1::uuid[])[1], $1, now()))
         SELECT now()"
    )
}

/// A concurrent second request waits for the first, then inserts nothing.
fn insert_new_sql(guard: &str) -> String {
    format!(
        "WITH placed AS (
             {ORDERS} {guard} RETURNING id
         ), due AS (
             INSERT INTO charges_due (batch, orders, placed_at)
             SELECT (array_agg(id))[1], array_agg(id), now() FROM placed HAVING count(*) > 0
         )
         SELECT id, now() FROM placed"
    )
}

const ONCE: &str = "ON CONFLICT ON CONSTRAINT orders_key_once DO NOTHING";

#[derive(Default)]
struct Created {
    ids: HashSet<Uuid>,
    at: Timestamp,
}

impl PlaceOrders {
    async fn insert(
        &self,
        connection: &Connection,
        items: &[Arc<OrderRequest>],
        priced: &[Result<Priced, PricingError>],
    ) -> Result<Created, DbError> {
        let priced = items
            .iter()
            .zip(priced)
            .filter_map(|(item, priced)| Some((item.as_ref(), priced.as_ref().ok()?)));
        let mut orders: Vec<(&OrderRequest, &Priced)> = priced.collect();
        if orders.is_empty() {
            return Ok(Created::default());
        }
        // Sorted by key, so that two instances with the same keys wait instead of deadlocking.
        orders.sort_unstable_by_key(|(item, _)| (item.user_id, item.key.as_str()));
        // Primary keys conflict when an earlier attempt at this batch had committed.
        let constraints = ["orders_key_once", "orders_pkey", "charges_due_pkey"];
        let careful = insert_new_sql(ONCE);
        self.optimistic
            .insert(&constraints, insert_all(connection, &orders), insert_new(connection, &careful, &orders))
            .await
    }
}

async fn insert_all(
    connection: &Connection,
    orders: &[(&OrderRequest, &Priced)],
) -> Result<Created, DbError> {
    let statement = connection.prepare_cached(&insert_all_sql()).await?;
    let columns = Columns::of(orders);
    let row = connection.query_one(&statement, &columns.parameters()).await?;
    Ok(Created { ids: columns.ids.into_iter().collect(), at: row.get(0)? })
}

async fn insert_new(
    connection: &Connection,
    statement: &str,
    orders: &[(&OrderRequest, &Priced)],
) -> Result<Created, DbError> {
    let statement = connection.prepare_cached(statement).await?;
    let rows = connection.query(&statement, &Columns::of(orders).parameters()).await?;
    let at = rows.first().map(|row| row.get(1)).transpose()?.unwrap_or_default();
    Ok(Created { ids: rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?, at })
}

struct Columns<'a> {
    ids: Vec<Uuid>,
    users: Vec<Uuid>,
    totals: Vec<i64>,
    currencies: Vec<&'a str>,
    methods: Vec<&'a str>,
    keys: Vec<&'a str>,
    hashes: Vec<&'a [u8]>,
    answers: Vec<Option<&'a str>>,
    requests: Vec<&'a str>,
    traces: Vec<&'a str>,
    lines: Vec<Json<&'a [OrderLine]>>,
}

impl<'a> Columns<'a> {
    fn of(orders: &[(&'a OrderRequest, &'a Priced)]) -> Self {
        let column = |read: fn(&'a OrderRequest) -> &'a str| {
            orders.iter().map(|(item, _)| read(item)).collect::<Vec<&str>>()
        };
        Self {
            ids: orders.iter().map(|(item, _)| item.order_id).collect(),
            users: orders.iter().map(|(item, _)| item.user_id).collect(),
            totals: orders.iter().map(|(_, priced)| priced.total.amount).collect(),
            currencies: orders.iter().map(|(_, priced)| priced.total.currency.as_str()).collect(),
            methods: column(|item| item.method.as_str()),
            keys: column(|item| item.key.as_str()),
            hashes: orders.iter().map(|(item, _)| item.request_hash.as_slice()).collect(),
            answers: orders.iter().map(|(item, _)| item.response.map(ResponseKind::as_str)).collect(),
            requests: column(|item| &item.request_id),
            traces: column(|item| &item.traceparent),
            lines: orders.iter().map(|(_, priced)| Json(priced.lines.as_slice())).collect(),
        }
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.ids,
            &self.users,
            &self.totals,
            &self.currencies,
            &self.methods,
            &self.keys,
            &self.hashes,
            &self.answers,
            &self.requests,
            &self.traces,
            &self.lines,
        ]
    }
}

struct Known {
    request_hash: Vec<u8>,
    order: Arc<Order>,
}

impl Known {
    fn outcome(&self, item: &OrderRequest) -> Placed {
        if self.order.id == item.order_id {
            // An earlier attempt had committed although its connection broke.
            Placed::Created(Arc::new(self.order.as_accepted()))
        } else if self.request_hash == item.request_hash {
            Placed::Replayed(Arc::clone(&self.order))
        } else {
            Placed::KeyReused
        }
    }
}

async fn known_keys(
    connection: &Connection,
    items: &[&OrderRequest],
) -> Result<HashMap<(Uuid, String), Known>, DbError> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let query = format!(
        "SELECT {ORDER_COLUMNS}, o.idempotency_key, o.request_hash
         FROM unnest($1::uuid[], $2::text[]) AS i (user_id, key)
         CROSS JOIN LATERAL (SELECT * FROM orders WHERE user_id = i.user_id AND idempotency_key = i.key OFFSET 0) AS o"
    );
    let statement = connection.prepare_cached(&query).await?;
    let users: Vec<Uuid> = items.iter().map(|item| item.user_id).collect();
    let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    let rows = connection.query(&statement, &[&users, &keys]).await?;
    let known = |row: &Row| {
        let order = Arc::new(read_order(row)?);
        Ok(((order.user_id, row.get(16)?), Known { request_hash: row.get(17)?, order }))
    };
    rows.iter().map(known).collect()
}
