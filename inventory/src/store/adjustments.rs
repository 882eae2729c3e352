//! Stock changed by hand, once per Idempotency-Key.

use runtime::db::{Connection, DbError, Row};

use super::products::level;
use crate::domain::{Adjustment, Level, Sku};

const ONCE: &str = "stock_adjustments_once";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjusted {
    Done(Level),
    /// An earlier request with the key left this stock.
    Replayed {
        on_hand: i32,
    },
    KeyReused,
    /// Unknown or deleted.
    Absent,
    /// Negative, or too large for the column.
    OutOfRange {
        on_hand: i32,
    },
}

/// After an error, a request with the same key returns the result.
pub async fn adjust(connection: &Connection, adjustment: &Adjustment) -> Result<Adjusted, DbError> {
    if let Some(known) = replay(connection, adjustment).await? {
        return Ok(known);
    }
    match apply(connection, adjustment).await {
        Ok(Some(level)) => Ok(Adjusted::Done(level)),
        Ok(None) => explain(connection, &adjustment.sku).await,
        // Another request with the same key was faster.
        Err(error) if error.violates(ONCE) => {
            Ok(replay(connection, adjustment).await?.unwrap_or(Adjusted::KeyReused))
        }
        Err(error) => Err(error),
    }
}

async fn replay(connection: &Connection, adjustment: &Adjustment) -> Result<Option<Adjusted>, DbError> {
    let statement = connection
        .prepare_cached("SELECT sku = $3 AND request_hash = sha256($4), on_hand_after FROM stock_adjustments WHERE actor = $1 AND key = $2")
        .await?;
    let row = connection
        .query_opt(
            &statement,
            &[&adjustment.actor, &adjustment.key, &adjustment.sku.as_str(), &adjustment.request()],
        )
        .await?;
    let adjusted = |row: Row| {
        Ok(if row.get(0)? { Adjusted::Replayed { on_hand: row.get(1)? } } else { Adjusted::KeyReused })
    };
    row.map(adjusted).transpose()
}

async fn apply(connection: &Connection, adjustment: &Adjustment) -> Result<Option<Level>, DbError> {
    let statement = connection
        .prepare_cached(
            "WITH p AS (
                 UPDATE products SET on_hand = on_hand + $2::integer
                 WHERE sku = $1 AND deleted_at IS NULL AND on_hand::bigint + $2::integer BETWEEN 0 AND 2147483647 RETURNING sku, on_hand
             ), l AS (
                 INSERT INTO stock_ledger (sku, delta, balance, reason) SELECT sku, $2::integer, on_hand, $3 FROM p RETURNING id
             ), k AS (
                 INSERT INTO stock_adjustments (actor, key, sku, request_hash, delta, on_hand_after)
                 SELECT $4, $5, sku, sha256($6), $2::integer, on_hand FROM p
             )
             SELECT p.on_hand, l.id FROM p, l",
        )
        .await?;
    let sku = adjustment.sku.as_str();
    let delta = adjustment.delta.get();
    let reason = adjustment.reason.as_str();
    let row = connection
        .query_opt(
            &statement,
            &[&sku, &delta, &reason, &adjustment.actor, &adjustment.key, &adjustment.request()],
        )
        .await?;
    row.map(|row| level(&row, 0)).transpose()
}

async fn explain(connection: &Connection, sku: &Sku) -> Result<Adjusted, DbError> {
    let statement = connection
        .prepare_cached("SELECT on_hand FROM products WHERE sku = $1 AND deleted_at IS NULL")
        .await?;
    let row = connection.query_opt(&statement, &[&sku.as_str()]).await?;
    row.map_or(Ok(Adjusted::Absent), |row| Ok(Adjusted::OutOfRange { on_hand: row.get(0)? }))
}
