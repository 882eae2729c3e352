use runtime::db::{Connection, DbError, Row};
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::domain::{
    Money, Order, OrderFilter, OrderLine, OrderStatus, Payment, PaymentMethod, Progress, ResponseKind,
};

/// Read by [`read_order`] from a table called `o`.
pub(super) const ORDER_COLUMNS: &str = "o.id, o.user_id, o.status, o.items, o.total, o.currency, o.payment_method, o.charge_id, o.refund_id, \
     o.reason, o.created_at, o.settled_at, o.ended_at, o.traceparent, o.request_id, o.answer";

/// The columns that [`read_progress`] reads, from a table called `o`.
pub(super) const PROGRESS_COLUMNS: &str =
    "o.status, o.charge_id, o.refund_id, o.reason, o.settled_at, o.ended_at, o.answer";

/// One order.
///
/// # Errors
/// The database did not answer.
pub async fn find_order(connection: &Connection, id: Uuid) -> Result<Option<Order>, DbError> {
    let statement =
        connection.prepare_cached(&format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = $1")).await?;
    connection.query_opt(&statement, &[&id]).await?.map(|row| read_order(&row)).transpose()
}

/// Maximum orders that one page scans: at 2 us a row, 20 ms of the server.
pub const SCAN_LIMIT: i64 = 10_000;

#[derive(Debug)]
pub struct OrderPage {
    pub orders: Vec<Order>,
    /// The last scanned order, if older ones are left.
    pub scanned_to: Option<Uuid>,
}

/// Newest first: ids rise with time. With a status, which has no index, a page scans `most` orders and may be
/// empty.
pub async fn list_orders(
    connection: &Connection,
    filter: &OrderFilter,
    limit: i64,
    most: i64,
) -> Result<OrderPage, DbError> {
    let scanned_to = match filter.status {
        Some(_) => nth_order(connection, filter, most).await?,
        None => None,
    };
    let from = scanned_to.unwrap_or(Uuid::nil());
    let to = filter.before.unwrap_or(Uuid::max());
    let (range, order) = if filter.user_id.is_some() { OF_USER } else { OF_ALL };
    let wanted = if filter.status.is_some() { "o.status = $5" } else { "$5::text IS NULL" };
    let query = format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE {range} AND {wanted} {order} LIMIT $4");
    let statement = connection.prepare_cached(&query).await?;
    let status = filter.status.map(OrderStatus::as_str);
    let rows = connection.query(&statement, &[&filter.user_id, &from, &to, &limit, &status]).await?;
    Ok(OrderPage { orders: rows.iter().map(read_order).collect::<Result<_, _>>()?, scanned_to })
}

/// The `n`th newest order, if more follow.
async fn nth_order(connection: &Connection, filter: &OrderFilter, n: i64) -> Result<Option<Uuid>, DbError> {
    let (range, order) = if filter.user_id.is_some() { OF_USER } else { OF_ALL };
    let query = format!("SELECT o.id FROM orders o WHERE {range} {order} LIMIT 2 OFFSET $4");
    let statement = connection.prepare_cached(&query).await?;
    let to = filter.before.unwrap_or(Uuid::max());
    let rows = connection.query(&statement, &[&filter.user_id, &Uuid::nil(), &to, &(n - 1)]).await?;
    rows.first().filter(|_| rows.len() > 1).map(|row| row.get(0)).transpose()
}

/// The row comparison forces the index of users: with `user_id = $1` the planner reads all orders once most
/// belong to one.
const OF_USER: (&str, &str) =
    ("(o.user_id, o.id) >= ($1, $2) AND (o.user_id, o.id) < ($1, $3)", "ORDER BY o.user_id DESC, o.id DESC");
const OF_ALL: (&str, &str) = ("$1::uuid IS NULL AND o.id >= $2 AND o.id < $3", "ORDER BY o.id DESC");

/// An earlier recorded kind stays and is returned.
pub async fn record_response(connection: &Connection, order: Order) -> Result<Order, DbError> {
    let own = if order.status.is_terminal() { ResponseKind::Terminal } else { ResponseKind::Accepted };
    let statement = connection
        .prepare_cached("UPDATE orders SET answer = coalesce(answer, $2) WHERE id = $1 RETURNING answer")
        .await?;
    let row = connection.query_opt(&statement, &[&order.id, &own.as_str()]).await?;
    let recorded = row.map(|row| row.get(0).map(ResponseKind::parse)).transpose()?.flatten();
    let order = Order { response: recorded.or(Some(own)), ..order };
    // The final state may have been recorded after this request read the order.
    if recorded == Some(ResponseKind::Terminal) && !order.status.is_terminal() {
        return Ok(find_order(connection, order.id).await?.unwrap_or(order));
    }
    Ok(order)
}

pub(super) fn read_order(row: &Row) -> Result<Order, DbError> {
    let currency: String = row.get(5)?;
    let Json(lines): Json<Vec<OrderLine>> = row.get(3)?;
    Ok(Order {
        id: row.get(0)?,
        user_id: row.get(1)?,
        // The CHECK of the column allows these statuses only.
        status: OrderStatus::parse(row.get(2)?).unwrap_or(OrderStatus::Pending),
        lines,
        total: Money::new(row.get(4)?, currency),
        payment: Payment {
            method: PaymentMethod::parse(row.get(6)?).unwrap_or_default(),
            charge_id: row.get(7)?,
            refund_id: row.get(8)?,
        },
        reason: row.get(9)?,
        created_at: row.get(10)?,
        settled_at: row.get(11)?,
        ended_at: row.get(12)?,
        traceparent: row.get(13)?,
        request_id: row.get(14)?,
        response: row.get::<Option<&str>>(15)?.and_then(ResponseKind::parse),
    })
}

/// The progress of those among `ids` that have moved.
pub async fn progress_of(connection: &Connection, ids: &[Uuid]) -> Result<Vec<(Uuid, Progress)>, DbError> {
    let query = format!(
        "SELECT o.id, {PROGRESS_COLUMNS} FROM orders o WHERE o.id = ANY($1) AND o.settled_at IS NOT NULL"
    );
    let statement = connection.prepare_cached(&query).await?;
    let rows = connection.query(&statement, &[&ids]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, read_progress(row)?))).collect()
}

/// Reads the columns of [`PROGRESS_COLUMNS`], which start at column 1.
pub(super) fn read_progress(row: &Row) -> Result<Progress, DbError> {
    Ok(Progress {
        // The CHECK of the column allows these statuses only.
        status: OrderStatus::parse(row.get(1)?).unwrap_or(OrderStatus::Pending),
        charge_id: row.get(2)?,
        refund_id: row.get(3)?,
        reason: row.get(4)?,
        settled_at: row.get(5)?,
        ended_at: row.get(6)?,
        response: row.get::<Option<&str>>(7)?.and_then(ResponseKind::parse),
    })
}
