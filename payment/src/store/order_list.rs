//! Lists of orders, newest first: along the primary key, or along the index of users. Ids rise with time. An
//! Idempotency-Key has an index of its own.
//!
//! Status, product and time have no index, which every order would pay for. A page looks at a bounded number of
//! rows for them, and may be short.

use std::time::Duration;

use jiff::Timestamp;
use runtime::db::{Connection, DbError};
use tokio_postgres::{Statement, types::ToSql};
use uuid::Uuid;

use super::orders::{ORDER_COLUMNS, read_order};
use crate::domain::{IdempotencyKey, Order, OrderFilter, OrderStatus};

/// Maximum orders that one page scans: at 2 us a row, 20 ms of the server.
pub const SCAN_LIMIT: i64 = 10_000;

/// Rows that a page reads: the default and the largest page, and one more. PostgreSQL has to see them in the statement:
/// for an unknown limit it sorts all orders of a user. Two, because each is a statement of its own.
const LIMITS: [i64; 2] = [21, 101];

/// An id has the time of payment's clock, `created_at` that of PostgreSQL, up to `request-timeout` (5 s) later. As
/// much again is for clocks that differ.
const CLOCK_MARGIN: Duration = Duration::from_secs(10);

/// The row comparison forces the index of users: with `user_id = $1` the planner reads all orders once most
/// belong to one.
const OF_USER: (&str, &str) =
    ("(o.user_id, o.id) >= ($1, $2) AND (o.user_id, o.id) < ($1, $3)", "ORDER BY o.user_id DESC, o.id DESC");
/// For scans of a user. A backward scan ends at a lower bound only if the index has its user as an equality: the row
/// comparison goes on to the oldest order of the user. `user_id = $1` would say too that ids are enough as an order.
const OF_USER_BOUNDED: (&str, &str) =
    ("o.user_id = ANY (ARRAY[$1::uuid]) AND o.id >= $2 AND o.id < $3", "ORDER BY o.user_id DESC, o.id DESC");
/// Its key leads to the only row.
const OF_KEY: (&str, &str) = ("o.user_id = $1 AND o.id >= $2 AND o.id < $3", "ORDER BY o.id DESC");
const OF_ALL: (&str, &str) = ("$1::uuid IS NULL AND o.id >= $2 AND o.id < $3", "ORDER BY o.id DESC");

const HAS_KEY: &str = "o.idempotency_key = $N";
const HAS_STATUS: &str = "o.status = $N";
/// `$N` is the SKU in quotes. Most rows are settled by the search in the text.
const HAS_LINE: &str = "strpos(o.items::text, $N) > 0
    AND EXISTS (SELECT FROM json_array_elements(o.items) AS line WHERE (line -> 'sku')::text = $N)";
const CREATED_FROM: &str = "o.created_at >= $N";
const CREATED_TO: &str = "o.created_at < $N";

#[derive(Debug)]
pub struct OrderPage {
    pub orders: Vec<Order>,
    /// The last scanned order, if older ones are left.
    pub scanned_to: Option<Uuid>,
}

/// A page that looks at rows scans `most` orders.
pub async fn list_orders(
    connection: &Connection,
    filter: &OrderFilter,
    limit: i64,
    most: i64,
) -> Result<OrderPage, DbError> {
    let mut range = Range::of(filter);
    let status = filter.status.map(OrderStatus::as_str);
    let line = filter.sku.as_ref().map(|sku| format!("\"{sku}\""));
    let key = filter.key.as_ref().map(IdempotencyKey::as_str);
    let mut query = Query::new();
    query.add(HAS_KEY, &key);
    query.add(HAS_STATUS, &status);
    query.add(HAS_LINE, &line);
    query.add(CREATED_FROM, &filter.created_from);
    query.add(CREATED_TO, &filter.created_to);
    let is_scan = !query.rows.is_empty() && key.is_none();
    if is_scan && range.along == OF_USER {
        range.along = OF_USER_BOUNDED;
    }
    let scanned_to = if is_scan { range.nth(connection, most).await? } else { None };
    let from = scanned_to.unwrap_or(range.from);
    let (span, order) = range.along;
    let Query { conditions, rows } = query;
    let read = LIMITS.into_iter().find(|read| *read >= limit).unwrap_or(limit);
    let query = format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE {span}{conditions} {order} LIMIT {read}");
    let statement = range.prepare(connection, &query).await?;
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&range.user, &from, &range.to];
    parameters.extend(rows);
    let rows = connection.query(&statement, &parameters).await?;
    let rows = rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(OrderPage { orders: rows.map(read_order).collect::<Result<_, _>>()?, scanned_to })
}

/// What is looked at row by row.
struct Query<'a> {
    conditions: String,
    rows: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Query<'a> {
    fn new() -> Self {
        Self { conditions: String::new(), rows: Vec::new() }
    }

    fn add<T: ToSql + Sync>(&mut self, condition: &str, value: &'a Option<T>) {
        let Some(value) = value else { return };
        self.rows.push(value);
        let number = format!("${}", 3 + self.rows.len());
        self.conditions.push_str(" AND ");
        self.conditions.push_str(&condition.replace("$N", &number));
    }
}

/// Ids along an index.
struct Range {
    user: Option<Uuid>,
    from: Uuid,
    to: Uuid,
    along: (&'static str, &'static str),
}

impl Range {
    fn of(filter: &OrderFilter) -> Self {
        let from = filter.created_from.and_then(|time| time.checked_sub(CLOCK_MARGIN).ok());
        let to = filter.created_to.and_then(|time| time.checked_add(CLOCK_MARGIN).ok());
        let newest = to.map_or(Uuid::max(), first_id_at);
        Self {
            user: filter.user_id,
            from: from.map_or(Uuid::nil(), first_id_at),
            to: filter.before.map_or(newest, |before| before.min(newest)),
            along: match (filter.user_id, &filter.key) {
                (Some(_), Some(_)) => OF_KEY,
                (Some(_), None) => OF_USER,
                (None, _) => OF_ALL,
            },
        }
    }

    /// Without the values, PostgreSQL takes any two bounds for a few orders, and may read those of all users between.
    async fn prepare(&self, connection: &Connection, query: &str) -> Result<Statement, DbError> {
        if self.along == OF_USER_BOUNDED {
            connection.prepare_once(query).await
        } else {
            connection.prepare_cached(query).await
        }
    }

    /// The `n`th newest order, if more follow.
    async fn nth(&self, connection: &Connection, n: i64) -> Result<Option<Uuid>, DbError> {
        let (span, order) = self.along;
        let query = format!("SELECT o.id FROM orders o WHERE {span} {order} LIMIT 2 OFFSET {}", n - 1);
        let statement = self.prepare(connection, &query).await?;
        let rows = connection.query(&statement, &[&self.user, &self.from, &self.to]).await?;
        rows.first().filter(|_| rows.len() > 1).map(|row| row.get(0)).transpose()
    }
}

/// The smallest UUIDv7 of this millisecond (RFC 9562, 5.7).
fn first_id_at(time: Timestamp) -> Uuid {
    let milliseconds = u128::try_from(time.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_not_before_the_first_one_of_its_millisecond() {
        let before = Timestamp::now();
        let id = Uuid::now_v7();
        assert!(first_id_at(before) <= id);
        assert!(first_id_at(Timestamp::now() + Duration::from_millis(1)) > id);
        assert_eq!(first_id_at(Timestamp::MIN), Uuid::nil());
    }
}
