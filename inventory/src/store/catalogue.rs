//! Each change is one statement that also writes its event.

use std::time::Duration;

use runtime::{
    db::{Connection, DbError},
    outbox::{OutboxEvent, OutboxRows},
};

use super::products::{StoredProduct, record, record_columns, stored};
use crate::domain::{Details, NewProduct, ProductRecord, Sku};

const FIRST_STOCK: &str = "product created";
/// The statement changed the product.
const IF_CHANGED: &str = "WHERE EXISTS (SELECT FROM p)";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    Done(ProductRecord),
    /// Another version, or deleted.
    Stale,
}

/// The details, as parameters of a statement.
struct Columns<'a> {
    name: &'a str,
    description: &'a str,
    price: i64,
    currency: &'a str,
}

impl<'a> Columns<'a> {
    fn of(details: &'a Details) -> Self {
        Self {
            name: details.name.as_str(),
            description: details.description.as_str(),
            price: details.price.amount(),
            currency: details.price.currency(),
        }
    }
}

/// `None`: the SKU is taken, possibly by a deleted product; see [`revive`]. After an error the product may
/// exist.
pub async fn create(
    connection: &Connection,
    product: &NewProduct,
    event: &OutboxEvent,
    lease: Duration,
) -> Result<Option<StoredProduct>, DbError> {
    let insert = OutboxRows::insert(8, IF_CHANGED);
    let columns = record_columns!();
    let sql = format!(
        "WITH p AS (
             INSERT INTO products (sku, name, description, price, currency, on_hand) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (sku) DO NOTHING RETURNING *
         ), l AS (
             INSERT INTO stock_ledger (sku, delta, balance, reason) SELECT sku, on_hand, on_hand, $7 FROM p RETURNING id
         ), published AS ({insert})
         SELECT {columns}, p.on_hand, l.id FROM p, l"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let sku = product.sku.as_str();
    let details = Columns::of(&product.details);
    let stock = product.stock.get();
    let rows = OutboxRows::from_iter([event]);
    let lease = lease.as_secs_f64();
    let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&lease);
    let Columns { name, description, price, currency } = &details;
    let row = connection
        .query_opt(
            &statement,
            &[
                &sku,
                name,
                description,
                price,
                currency,
                &stock,
                &FIRST_STOCK,
                ids,
                streams,
                envelopes,
                repeats,
                due_in,
            ],
        )
        .await?;
    row.map(|row| stored(&row)).transpose()
}

/// Puts the SKU of a deleted product on sale again. Its version goes on, and so does its ledger: the difference
/// to the stock that was left is one entry. After an error it may be on sale.
pub async fn revive(
    connection: &Connection,
    version: i64,
    product: &NewProduct,
    event: &OutboxEvent,
    lease: Duration,
) -> Result<Option<StoredProduct>, DbError> {
    let insert = OutboxRows::insert(9, IF_CHANGED);
    let columns = record_columns!();
    // The stock that was left is read under the lock.
    let sql = format!(
        "WITH old AS MATERIALIZED (
             SELECT sku, on_hand FROM products WHERE sku = $1 AND version = $8 AND deleted_at IS NOT NULL FOR UPDATE
         ), p AS (
             UPDATE products SET name = $2, description = $3, price = $4, currency = $5, on_hand = $6, version = $8 + 1,
                 created_at = now(), updated_at = now(), deleted_at = NULL, change = nextval('product_changes')
             FROM old WHERE products.sku = old.sku RETURNING products.*, products.on_hand - old.on_hand AS delta
         ), l AS (
             INSERT INTO stock_ledger (sku, delta, balance, reason) SELECT sku, delta, on_hand, $7 FROM p RETURNING id
         ), published AS ({insert})
         SELECT {columns}, p.on_hand, l.id FROM p, l"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let sku = product.sku.as_str();
    let details = Columns::of(&product.details);
    let stock = product.stock.get();
    let rows = OutboxRows::from_iter([event]);
    let lease = lease.as_secs_f64();
    let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&lease);
    let Columns { name, description, price, currency } = &details;
    let row = connection
        .query_opt(
            &statement,
            &[
                &sku,
                name,
                description,
                price,
                currency,
                &stock,
                &FIRST_STOCK,
                &version,
                ids,
                streams,
                envelopes,
                repeats,
                due_in,
            ],
        )
        .await?;
    row.map(|row| stored(&row)).transpose()
}

/// After an error the change may have happened.
pub async fn change(
    connection: &Connection,
    (sku, version): (&Sku, i64),
    details: &Details,
    event: &OutboxEvent,
    lease: Duration,
) -> Result<Changed, DbError> {
    let insert = OutboxRows::insert(7, IF_CHANGED);
    let columns = record_columns!();
    let sql = format!(
        "WITH p AS (
             UPDATE products SET name = $3, description = $4, price = $5, currency = $6, version = version + 1, updated_at = now(),
                 change = nextval('product_changes')
             WHERE sku = $1 AND version = $2 AND deleted_at IS NULL RETURNING *
         ), published AS ({insert})
         SELECT {columns} FROM p"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let sku = sku.as_str();
    let rows = OutboxRows::from_iter([event]);
    let lease = lease.as_secs_f64();
    let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&lease);
    let Columns { name, description, price, currency } = &Columns::of(details);
    let row = connection
        .query_opt(
            &statement,
            &[&sku, &version, name, description, price, currency, ids, streams, envelopes, repeats, due_in],
        )
        .await?;
    row.map_or(Ok(Changed::Stale), |row| record(&row).map(Changed::Done))
}

/// After an error the removal may have happened.
pub async fn remove(
    connection: &Connection,
    (sku, version): (&Sku, i64),
    event: &OutboxEvent,
    lease: Duration,
) -> Result<Changed, DbError> {
    let insert = OutboxRows::insert(3, IF_CHANGED);
    let columns = record_columns!();
    let sql = format!(
        "WITH p AS (
             UPDATE products SET version = version + 1, updated_at = now(), deleted_at = now(), change = nextval('product_changes')
             WHERE sku = $1 AND version = $2 AND deleted_at IS NULL RETURNING *
         ), published AS ({insert})
         SELECT {columns} FROM p"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let rows = OutboxRows::from_iter([event]);
    let lease = lease.as_secs_f64();
    let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&lease);
    let sku = sku.as_str();
    let row =
        connection.query_opt(&statement, &[&sku, &version, ids, streams, envelopes, repeats, due_in]).await?;
    row.map_or(Ok(Changed::Stale), |row| record(&row).map(Changed::Done))
}
