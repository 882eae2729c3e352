//! Orders that wait for their charge.
//!
//! Orders that are placed together have one row in `charges_due`, with all their ids. Nobody touches it until it is old enough for
//! the reconciler to look whether they are charged; then it goes, or those that are not are charged again.

use std::{collections::HashSet, time::Duration};

use shared::db::{Connection, DbError};
use uuid::Uuid;

use super::orders::{ORDER_COLUMNS, read_order};
use crate::domain::Order;

/// Batches that are looked at together: of 512 orders at most (`commit-batch`), their ids are half a megabyte.
const BATCHES: i64 = 64;

/// Up to `limit` orders that have waited for their charge for longer than `age`, oldest first (ids rise with time). Batches that
/// are older and wait for none any more are forgotten on the way.
///
/// # Errors
/// The database did not answer.
pub async fn pending_orders(connection: &Connection, age: Duration, limit: usize) -> Result<Vec<Order>, DbError> {
    let (mut waiting, mut last) = (Vec::new(), Uuid::nil());
    while waiting.len() < limit {
        let batches = batches_after(connection, last, age).await?;
        let Some(end) = batches.last() else { break };
        last = end.id;
        let pending = pending_among(connection, &batches).await?;
        let (open, settled): (Vec<&Batch>, Vec<&Batch>) =
            batches.iter().partition(|batch| batch.orders.iter().any(|id| pending.contains(id)));
        forget(connection, &settled).await?;
        waiting.extend(open.into_iter().flat_map(|batch| &batch.orders).filter(|id| pending.contains(*id)));
    }
    waiting.truncate(limit);
    read(connection, &waiting).await
}

struct Batch {
    id: Uuid,
    orders: Vec<Uuid>,
}

impl Batch {
    fn range(&self) -> Option<(Uuid, Uuid)> {
        Some((*self.orders.iter().min()?, *self.orders.iter().max()?))
    }
}

async fn batches_after(connection: &Connection, last: Uuid, age: Duration) -> Result<Vec<Batch>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT batch, orders FROM charges_due WHERE batch > $1 AND placed_at < now() - make_interval(secs => $2) ORDER BY batch LIMIT $3",
        )
        .await?;
    let rows = connection.query(&statement, &[&last, &age.as_secs_f64(), &BATCHES]).await?;
    Ok(rows.iter().map(|row| Batch { id: row.get(0), orders: row.get(1) }).collect())
}

/// What is pending of them, and maybe others. Ids rise with time, and the requests of a batch came within moments: read from its
/// first id to its last, its orders cost a fifth of what they cost one by one.
async fn pending_among(connection: &Connection, batches: &[Batch]) -> Result<HashSet<Uuid>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT o.id FROM unnest($1::uuid[], $2::uuid[]) AS batch (first, last)
             CROSS JOIN LATERAL (SELECT id FROM orders WHERE id BETWEEN batch.first AND batch.last AND status = 'pending' OFFSET 0) AS o",
        )
        .await?;
    let (first, last): (Vec<Uuid>, Vec<Uuid>) = batches.iter().filter_map(Batch::range).unzip();
    Ok(connection.query(&statement, &[&first, &last]).await?.iter().map(|row| row.get(0)).collect())
}

/// An order that is not pending never becomes so again.
async fn forget(connection: &Connection, settled: &[&Batch]) -> Result<(), DbError> {
    if settled.is_empty() {
        return Ok(());
    }
    let statement = connection.prepare_cached("DELETE FROM charges_due WHERE batch = ANY($1)").await?;
    let batches: Vec<Uuid> = settled.iter().map(|batch| batch.id).collect();
    connection.execute(&statement, &[&batches]).await?;
    Ok(())
}

async fn read(connection: &Connection, ids: &[Uuid]) -> Result<Vec<Order>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!("SELECT {ORDER_COLUMNS} FROM orders o WHERE o.id = ANY($1) AND o.status = 'pending' ORDER BY o.id");
    let statement = connection.prepare_cached(&query).await?;
    Ok(connection.query(&statement, &[&ids]).await?.iter().map(read_order).collect())
}
