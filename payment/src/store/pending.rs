//! Orders placed together share one row in `charges_due`. The reconciler moves those that stay pending to
//! `charges_retried`, one row each.

use std::{collections::HashSet, time::Duration};

use runtime::db::{Connection, DbError};
use uuid::Uuid;

/// Half a megabyte of ids, at 512 orders a batch (`commit-batch`).
const BATCHES: i64 = 64;
/// Maximum span of a batch read as one range: 8,000 rows at 8,000 orders a second.
const MAX_SPAN_MS: u128 = 1000;

/// Retries pending orders of batches older than `age`, and returns their number. After an error, completed
/// steps remain.
pub async fn sweep_charges(connection: &Connection, age: Duration) -> Result<usize, DbError> {
    let mut open = 0;
    let mut last = Uuid::nil();
    loop {
        let batches = batches_after(connection, last, age).await?;
        let Some(end) = batches.last() else { return Ok(open) };
        last = end.id;
        let pending = pending_among(connection, &batches).await?;
        let orders =
            batches.iter().flat_map(|batch| &batch.orders).filter(|id| pending.contains(*id)).copied();
        let orders: Vec<Uuid> = orders.collect();
        move_on(connection, &batches, &orders).await?;
        open += orders.len();
    }
}

struct Batch {
    id: Uuid,
    orders: Vec<Uuid>,
}

impl Batch {
    /// A batch during which the clock was set may span many other orders: then each id is a range.
    fn ranges(&self) -> Vec<(Uuid, Uuid)> {
        let ids = || self.orders.iter().copied();
        match ids().min().zip(ids().max()) {
            Some((first, last)) if milliseconds(last) - milliseconds(first) <= MAX_SPAN_MS => {
                vec![(first, last)]
            }
            _ => ids().map(|id| (id, id)).collect(),
        }
    }
}

/// A UUIDv7 begins with 48 bits of time.
fn milliseconds(id: Uuid) -> u128 {
    id.as_u128() >> 80
}

async fn batches_after(connection: &Connection, last: Uuid, age: Duration) -> Result<Vec<Batch>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT batch, orders FROM charges_due WHERE batch > $1 AND placed_at < now() - make_interval(secs => $2) ORDER BY batch LIMIT $3",
        )
        .await?;
    let rows = connection.query(&statement, &[&last, &age.as_secs_f64(), &BATCHES]).await?;
    rows.iter().map(|row| Ok(Batch { id: row.get(0)?, orders: row.get(1)? })).collect()
}

/// Batches of several instances span each other's orders. Merged, each is read once.
fn merge(mut ranges: Vec<(Uuid, Uuid)>) -> Vec<(Uuid, Uuid)> {
    ranges.sort_unstable();
    let mut merged: Vec<(Uuid, Uuid)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Ids rise with time: a range costs a fifth of reading its orders one by one.
async fn pending_among(connection: &Connection, batches: &[Batch]) -> Result<HashSet<Uuid>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT o.id FROM unnest($1::uuid[], $2::uuid[]) AS batch (first, last)
             CROSS JOIN LATERAL (SELECT id FROM orders WHERE id BETWEEN batch.first AND batch.last AND status = 'pending' OFFSET 0) AS o",
        )
        .await?;
    let (first, last): (Vec<Uuid>, Vec<Uuid>) =
        merge(batches.iter().flat_map(Batch::ranges).collect()).into_iter().unzip();
    connection.query(&statement, &[&first, &last]).await?.iter().map(|row| row.get(0)).collect()
}

/// A second sweep of the same batch changes nothing.
async fn move_on(connection: &Connection, batches: &[Batch], pending: &[Uuid]) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "WITH moved AS (
                 INSERT INTO charges_retried (order_id, attempts, due_at, last_error)
                 SELECT unnest($2::uuid[]), 0, '-infinity', 'not asked for yet' ON CONFLICT (order_id) DO NOTHING
             )
             DELETE FROM charges_due WHERE batch = ANY($1)",
        )
        .await?;
    let ids: Vec<Uuid> = batches.iter().map(|batch| batch.id).collect();
    connection.execute(&statement, &[&ids, &pending]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(at: &[u128]) -> Batch {
        let orders: Vec<Uuid> = at.iter().map(|milliseconds| Uuid::from_u128(milliseconds << 80)).collect();
        Batch { id: orders[0], orders }
    }

    #[test]
    fn orders_of_one_moment_are_read_from_the_first_to_the_last() {
        let batch = batch(&[5_000, 4_990, 5_990]);
        assert_eq!(batch.ranges(), [(batch.orders[1], batch.orders[2])]);
    }

    #[test]
    fn orders_that_several_batches_span_are_read_once() {
        let range = |first: u128, last: u128| (Uuid::from_u128(first), Uuid::from_u128(last));
        let ranges = vec![range(20, 30), range(1, 5), range(3, 4), range(5, 9), range(10, 12)];
        assert_eq!(merge(ranges), [range(1, 9), range(10, 12), range(20, 30)]);
    }

    #[test]
    fn orders_between_which_the_clock_was_set_are_read_one_by_one() {
        let batch = batch(&[3_600_000, 0, 1]);
        let alone: Vec<(Uuid, Uuid)> = batch.orders.iter().map(|id| (*id, *id)).collect();
        assert_eq!(batch.ranges(), alone);
    }
}
