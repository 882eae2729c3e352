//! Charges to be retried, each with its own backoff. A pending order is in `charges_due` or here.

use std::{collections::HashMap, time::Duration};

use runtime::db::{Connection, DbError, Write};
use uuid::Uuid;

use super::orders::{ORDER_COLUMNS, read_order};
use crate::domain::Order;

/// Half a second, doubling up to five minutes. The bound on `attempts` prevents an overflow.
const BACKOFF: &str = "make_interval(secs => least(0.5 * power(2, least(r.attempts - 1, 10)), 300))";

#[derive(Debug, Clone)]
pub struct ParkedCharge {
    pub order_id: Uuid,
    pub error: String,
}

/// A repeated batch parks once.
#[derive(Debug, Clone, Copy)]
pub struct ParkCharges;

impl Write for ParkCharges {
    type Item = ParkedCharge;
    type Output = ();
    const NAME: &'static str = "park-charges";
    const MAX_WAIT_INTERVALS: u32 = 12;

    async fn commit(&self, connection: &Connection, items: &[ParkedCharge]) -> Result<Vec<()>, DbError> {
        let query = format!(
            "INSERT INTO charges_retried AS r (order_id, attempts, due_at, last_error)
             SELECT DISTINCT ON (p.id) p.id, 1, now() + interval '0.5 s', p.error
             FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS error) AS p ORDER BY p.id
             ON CONFLICT (order_id) DO UPDATE SET due_at = now() + {BACKOFF}, last_error = excluded.last_error"
        );
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let errors: Vec<&str> = items.iter().map(|item| item.error.as_str()).collect();
        connection.execute(&connection.prepare_cached(&query).await?, &[&orders, &errors]).await?;
        Ok(vec![(); items.len()])
    }
}

#[derive(Debug, Clone)]
pub struct DueCharge {
    pub order: Order,
    /// Excludes this attempt.
    pub attempts: i32,
}

/// Taken charges are due again after `lease`. Rows of settled orders are deleted.
pub async fn take_due_charges(
    connection: &Connection,
    limit: i64,
    lease: Duration,
) -> Result<Vec<DueCharge>, DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE charges_retried SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2)
             WHERE order_id = ANY(ARRAY(
                 SELECT order_id FROM charges_retried WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED))
             RETURNING order_id, attempts - 1",
        )
        .await?;
    let rows = connection.query(&statement, &[&limit, &lease.as_secs_f64()]).await?;
    let taken = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
    let mut taken = taken.collect::<Result<HashMap<Uuid, i32>, DbError>>()?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let orders = pending(connection, &taken.keys().copied().collect::<Vec<Uuid>>()).await?;
    let due = |order: Order| Some(DueCharge { attempts: taken.remove(&order.id)?, order });
    let due: Vec<DueCharge> = orders.into_iter().filter_map(due).collect();
    if !taken.is_empty() {
        let settled: Vec<Uuid> = taken.into_keys().collect();
        let statement =
            connection.prepare_cached("DELETE FROM charges_retried WHERE order_id = ANY($1)").await?;
        connection.execute(&statement, &[&settled]).await?;
    }
    Ok(due)
}

async fn pending(connection: &Connection, ids: &[Uuid]) -> Result<Vec<Order>, DbError> {
    let query = format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = ANY($1) AND o.status = 'pending'");
    let statement = connection.prepare_cached(&query).await?;
    connection.query(&statement, &[&ids]).await?.iter().map(read_order).collect()
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waiting {
    /// Counted up to 10,000, to bound the cost of a sweep.
    pub charges: i64,
    /// Age in seconds; 0 without any.
    pub oldest_charge: f64,
    pub refunds: i64,
    pub oldest_refund: f64,
}

pub async fn waiting(connection: &Connection) -> Result<Waiting, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT order_id FROM charges_retried ORDER BY order_id LIMIT 10000) AS c),
                    coalesce((SELECT extract(epoch FROM now() - since) FROM charges_retried ORDER BY since LIMIT 1), 0)::float8,
                    (SELECT count(*) FROM (SELECT order_id FROM refunds_due ORDER BY order_id LIMIT 10000) AS r),
                    coalesce((SELECT extract(epoch FROM now() - parked_at) FROM refunds_due ORDER BY parked_at LIMIT 1), 0)::float8",
        )
        .await?;
    let row = connection.query_one(&statement, &[]).await?;
    Ok(Waiting {
        charges: row.get(0)?,
        oldest_charge: row.get(1)?,
        refunds: row.get(2)?,
        oldest_refund: row.get(3)?,
    })
}
