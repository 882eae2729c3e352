//! `product_changed`, on its way into the outbox.

use std::time::Duration;

use shared::{
    db::{Connection, Database, DbError},
    events::{Envelope, MoneyData, ProductChanged},
    outbox::{OutboxEvent, OutboxRows, Retention, TooLarge},
    telemetry::{Origin, TraceContext},
};

use super::products::{record, record_columns};
use crate::domain::ProductRecord;

/// As whom this service publishes.
pub const SERVICE: &str = "inventory";

/// Products of one statement when everything is published again.
const PAGE: i64 = 500;

/// The event that tells others how a product is now.
///
/// # Errors
/// It is too large to publish.
pub fn product_changed(product: &ProductRecord, origin: Origin) -> Result<OutboxEvent, TooLarge> {
    let event = ProductChanged {
        sku: product.sku.to_string(),
        name: product.name.clone(),
        price: MoneyData { amount: product.price, currency: product.currency.clone() },
        version: product.version,
        deleted: product.deleted,
    };
    let envelope = Envelope::new(&event, SERVICE, event.sku.clone(), origin);
    // Nobody confirms it. Twice: a copy of the catalogue that missed one catches up with the other.
    OutboxEvent::new::<ProductChanged>(envelope, Retention::Repeated(1))
}

/// Puts the current state of every product, deleted ones included, into the outbox: Redis has forgotten the catalogue.
///
/// # Errors
/// The database did not answer; what was put there before stays.
pub async fn publish_everything_again(database: &Database) -> Result<(), DbError> {
    let mut after = String::new();
    loop {
        let connection = database.connection().await?;
        let products = every_product(&connection, &after).await?;
        let Some(last) = products.last() else { return Ok(()) };
        after = last.sku.to_string();
        let events: Vec<OutboxEvent> =
            products.iter().filter_map(|product| product_changed(product, TraceContext::root().into()).ok()).collect();
        insert(&connection, &events, Duration::ZERO).await?;
    }
}

async fn every_product(connection: &Connection, after: &str) -> Result<Vec<ProductRecord>, DbError> {
    let query = concat!("SELECT ", record_columns!(), " FROM products p WHERE p.sku > $1 ORDER BY p.sku LIMIT $2");
    let statement = connection.prepare_cached(query).await?;
    Ok(connection.query(&statement, &[&after, &PAGE]).await?.iter().map(record).collect())
}

async fn insert(connection: &Connection, events: &[OutboxEvent], lease: Duration) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "INSERT INTO outbox (event_id, stream, envelope, repeats, due_at)
             SELECT o.*, now() + make_interval(secs => $5) FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS o",
        )
        .await?;
    let rows: OutboxRows = events.iter().collect();
    connection.execute(&statement, &[&rows.ids, &rows.streams, &rows.envelopes, &rows.repeats, &lease.as_secs_f64()]).await?;
    Ok(())
}
