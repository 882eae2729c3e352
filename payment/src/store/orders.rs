//! Orders, read.

use shared::db::{Connection, DbError};
use tokio_postgres::{
    Row,
    types::{Json, ToSql},
};
use uuid::Uuid;

use crate::domain::{Answer, Money, Order, OrderFilter, OrderLine, OrderStatus, Payment, PaymentMethod};

/// The columns [`read_order`] reads, of a table called `o`.
pub(super) const ORDER_COLUMNS: &str = "o.id, o.user_id, o.status, o.items, o.total, o.currency, o.payment_method, o.charge_id, o.refund_id, \
     o.reason, o.created_at, o.settled_at, o.ended_at, o.traceparent, o.request_id";

/// One order.
///
/// # Errors
/// The database did not answer.
pub async fn find_order(connection: &Connection, id: Uuid) -> Result<Option<Order>, DbError> {
    let statement = connection.prepare_cached(&format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = $1")).await?;
    Ok(connection.query_opt(&statement, &[&id]).await?.map(|row| read_order(&row)))
}

/// Up to `limit` orders, newest first (ids rise with time).
///
/// # Errors
/// The database did not answer.
pub async fn list_orders(connection: &Connection, filter: &OrderFilter, limit: i64) -> Result<Vec<Order>, DbError> {
    let status = filter.status.map(OrderStatus::as_str);
    let mut conditions = vec!["($1::text IS NULL OR o.status = $1)"];
    let mut arguments: Vec<&(dyn ToSql + Sync)> = vec![&status, &limit];
    // Conditions that choose an index are written out: a generic plan for "is null or equal" would scan everything.
    let (user, before);
    if let Some(user_id) = &filter.user_id {
        arguments.push(user_id);
        user = format!("o.user_id = ${}", arguments.len());
        conditions.push(&user);
    }
    if let Some(id) = &filter.before {
        arguments.push(id);
        before = format!("o.id < ${}", arguments.len());
        conditions.push(&before);
    }
    let query = format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE {} ORDER BY o.id DESC LIMIT $2", conditions.join(" AND "));
    let statement = connection.prepare_cached(&query).await?;
    Ok(connection.query(&statement, &arguments).await?.iter().map(read_order).collect())
}

/// Records how a request for this order was answered, unless an earlier one was answered already; the answer that counts.
///
/// # Errors
/// The database did not answer.
pub async fn record_answer(connection: &Connection, order: Order) -> Result<(Answer, Order), DbError> {
    let answer = if order.status.is_terminal() { Answer::Terminal } else { Answer::Accepted };
    let statement = connection.prepare_cached("UPDATE orders SET answer = coalesce(answer, $2) WHERE id = $1 RETURNING answer").await?;
    let row = connection.query_opt(&statement, &[&order.id, &answer.as_str()]).await?;
    let recorded = row.and_then(|row| Answer::parse(row.get(0))).unwrap_or(answer);
    // Another request with this key may have seen the end that came after this one looked.
    let order = if recorded == Answer::Terminal && !order.status.is_terminal() {
        find_order(connection, order.id).await?.unwrap_or(order)
    } else {
        order
    };
    Ok((recorded, order))
}

/// Reads the columns of [`ORDER_COLUMNS`], which start at column 0.
pub(super) fn read_order(row: &Row) -> Order {
    let currency: String = row.get(5);
    let Json(lines): Json<Vec<OrderLine>> = row.get(3);
    Order {
        id: row.get(0),
        user_id: row.get(1),
        // The CHECK of the column allows nothing else.
        status: OrderStatus::parse(row.get(2)).unwrap_or(OrderStatus::Pending),
        lines,
        total: Money::new(row.get(4), currency),
        payment: Payment { method: PaymentMethod::parse(row.get(6)).unwrap_or_default(), charge_id: row.get(7), refund_id: row.get(8) },
        reason: row.get(9),
        created_at: row.get(10),
        settled_at: row.get(11),
        ended_at: row.get(12),
        traceparent: row.get(13),
        request_id: row.get(14),
    }
}
