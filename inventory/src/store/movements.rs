use runtime::db::{Connection, DbError, Row};

use crate::domain::{Movement, Sku};

/// Newest first. An empty first page means an unknown product: its creation is the first entry.
pub async fn movements(
    connection: &Connection,
    sku: &Sku,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Movement>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT id, delta, balance, reason, order_id, event_id, at FROM stock_ledger
             WHERE sku = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .await?;
    let rows = connection.query(&statement, &[&sku.as_str(), &before.unwrap_or(i64::MAX), &limit]).await?;
    let movement = |row: &Row| {
        Ok(Movement {
            id: row.get(0)?,
            delta: row.get(1)?,
            balance: row.get(2)?,
            reason: row.get(3)?,
            order_id: row.get(4)?,
            event_id: row.get(5)?,
            at: row.get(6)?,
        })
    };
    rows.iter().map(movement).collect()
}
