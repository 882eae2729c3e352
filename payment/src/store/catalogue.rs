//! Payment's copy of the catalogue.

use std::collections::HashMap;

use runtime::db::{Connection, DbError, Row};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::domain::{Money, Product};

/// Older versions leave the copy unchanged.
const UPSERT: &str = "INSERT INTO catalogue (sku, name, price, currency, version, deleted)
     SELECT DISTINCT ON (sku) sku, name, price, currency, version, deleted
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bool[]) AS p (sku, name, price, currency, version, deleted)
     ORDER BY sku, version DESC
     ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
         version = excluded.version, deleted = excluded.deleted
     WHERE catalogue.version < excluded.version";

/// Includes deleted products.
pub(super) async fn products(
    connection: &Connection,
    skus: &[&str],
) -> Result<HashMap<String, Product>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT sku, name, price, currency, version, deleted FROM catalogue WHERE sku = ANY($1)",
        )
        .await?;
    let rows = connection.query(&statement, &[&skus]).await?;
    rows.iter().map(|row| read_product(row).map(|product| (product.sku.clone(), product))).collect()
}

/// Returns how many products were missing or different.
pub async fn upsert_products(connection: &Connection, products: &[Product]) -> Result<u64, DbError> {
    let statement = connection.prepare_cached(UPSERT).await?;
    let columns = Columns::from(products);
    let columns: [&(dyn ToSql + Sync); 6] = [
        &columns.skus,
        &columns.names,
        &columns.prices,
        &columns.currencies,
        &columns.versions,
        &columns.deleted,
    ];
    connection.execute(&statement, &columns).await
}

/// Returns which of the events were new.
pub async fn apply_product_changes(
    connection: &Connection,
    consumer: &str,
    events: &[Uuid],
    products: &[Product],
) -> Result<Vec<bool>, DbError> {
    let query = format!(
        "WITH taken AS ({UPSERT}),
              fresh AS (INSERT INTO inbox (consumer, event_id) SELECT $7, unnest($8::uuid[]) ON CONFLICT ON CONSTRAINT inbox_once DO NOTHING RETURNING event_id)
         SELECT event_id FROM fresh"
    );
    let statement = connection.prepare_cached(&query).await?;
    let columns = Columns::from(products);
    let rows = connection
        .query(
            &statement,
            &[
                &columns.skus,
                &columns.names,
                &columns.prices,
                &columns.currencies,
                &columns.versions,
                &columns.deleted,
                &consumer,
                &events,
            ],
        )
        .await?;
    let fresh = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    Ok(events.iter().map(|event| fresh.contains(event)).collect())
}

#[derive(Default)]
struct Columns<'a> {
    skus: Vec<&'a str>,
    names: Vec<&'a str>,
    prices: Vec<i64>,
    currencies: Vec<&'a str>,
    versions: Vec<i64>,
    deleted: Vec<bool>,
}

impl<'a> From<&'a [Product]> for Columns<'a> {
    fn from(products: &'a [Product]) -> Self {
        let mut columns = Self::default();
        for product in products {
            columns.skus.push(&product.sku);
            columns.names.push(&product.name);
            columns.prices.push(product.price.amount);
            columns.currencies.push(&product.price.currency);
            columns.versions.push(product.version);
            columns.deleted.push(product.deleted);
        }
        columns
    }
}

fn read_product(row: &Row) -> Result<Product, DbError> {
    let price = Money::new(row.get(2)?, row.get::<String>(3)?);
    Ok(Product { sku: row.get(0)?, name: row.get(1)?, price, version: row.get(4)?, deleted: row.get(5)? })
}
