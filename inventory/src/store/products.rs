use runtime::db::{Connection, DbError, Row};

use crate::domain::{Level, ProductChange, ProductRecord, Sku};

/// Read in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProduct {
    pub record: ProductRecord,
    pub level: Level,
}

/// Read by [`record`] from a table or CTE called `p`.
macro_rules! record_columns {
    () => {
        "p.sku, p.name, p.description, p.price, p.currency, p.version, p.created_at, p.updated_at, p.deleted_at IS NOT NULL"
    };
}
pub(super) use record_columns;

pub(super) fn record(row: &Row) -> Result<ProductRecord, DbError> {
    Ok(ProductRecord {
        sku: Sku::stored(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        price: row.get(3)?,
        currency: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        deleted: row.get(8)?,
    })
}

/// Columns `at` (on hand) and `at + 1` (ledger id).
pub(super) fn level(row: &Row, at: usize) -> Result<Level, DbError> {
    Ok(Level { on_hand: u32::try_from(row.get::<i32>(at)?).unwrap_or(0), as_of: row.get(at + 1)? })
}

pub(super) fn stored(row: &Row) -> Result<StoredProduct, DbError> {
    Ok(StoredProduct { record: record(row)?, level: level(row, 9)? })
}

/// Includes deleted products.
pub async fn load_all(connection: &Connection, skus: &[Sku]) -> Result<Vec<StoredProduct>, DbError> {
    let statement = connection
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            ", p.on_hand, coalesce((SELECT max(l.id) FROM stock_ledger l WHERE l.sku = p.sku), 0)
             FROM products p WHERE p.sku = ANY($1)"
        ))
        .await?;
    let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    connection.query(&statement, &[&skus]).await?.iter().map(stored).collect()
}

/// Includes deleted products.
pub async fn load(connection: &Connection, sku: &Sku) -> Result<Option<StoredProduct>, DbError> {
    Ok(load_all(connection, std::slice::from_ref(sku)).await?.pop())
}

pub async fn levels(connection: &Connection, skus: &[Sku]) -> Result<Vec<(Sku, Level)>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT p.sku, p.on_hand, coalesce((SELECT max(l.id) FROM stock_ledger l WHERE l.sku = p.sku), 0)
             FROM products p WHERE p.sku = ANY($1)",
        )
        .await?;
    let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    let rows = connection.query(&statement, &[&skus]).await?;
    rows.iter().map(|row| Ok((Sku::stored(row.get(0)?), level(row, 1)?))).collect()
}

/// Products locked by another session.
pub async fn locked(connection: &Connection, skus: &[Sku]) -> Result<Vec<Sku>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT p.sku FROM products p WHERE p.sku = ANY($1)
             AND p.sku <> ALL(ARRAY(SELECT sku FROM products WHERE sku = ANY($1) FOR UPDATE SKIP LOCKED))",
        )
        .await?;
    let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    connection.query(&statement, &[&skus]).await?.iter().map(|row| Ok(Sku::stored(row.get(0)?))).collect()
}

/// Includes deleted products.
///
/// A change draws its number before it commits, within `database-statement-timeout` (3 s). After ten seconds
/// all smaller numbers are committed or rolled back.
pub async fn changes(connection: &Connection, after: i64, limit: i64) -> Result<Vec<ProductChange>, DbError> {
    let statement = connection
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            ", p.change, p.updated_at < now() - interval '10 s' FROM products p WHERE p.change > $1 ORDER BY p.change LIMIT $2"
        ))
        .await?;
    let rows = connection.query(&statement, &[&after, &limit]).await?;
    rows.iter()
        .map(|row| Ok(ProductChange { record: record(row)?, change: row.get(9)?, is_final: row.get(10)? }))
        .collect()
}

/// Products on sale, by SKU.
pub async fn page(
    connection: &Connection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredProduct>, DbError> {
    let statement = connection
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            ", p.on_hand, 0::bigint FROM products p
             WHERE p.sku > $1 AND p.deleted_at IS NULL ORDER BY p.sku LIMIT $2"
        ))
        .await?;
    connection.query(&statement, &[&after.unwrap_or_default(), &limit]).await?.iter().map(stored).collect()
}
