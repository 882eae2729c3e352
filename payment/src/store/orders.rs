use runtime::db::{Connection, DbError, Row};
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::domain::{Money, Order, OrderLine, OrderStatus, Payment, PaymentMethod, Progress, ResponseKind};

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
