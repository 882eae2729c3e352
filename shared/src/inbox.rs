//! The inbox: which events a consumer has processed, and with what reply.
//!
//! The row is inserted in the transaction of the effect; its primary key (event id, consumer) decides what is a duplicate.
//! The reply is kept in the row, so that an event seen again is answered with the stored outcome.
//!
//! ```sql
//! CREATE TABLE inbox (
//!     consumer     text        NOT NULL,  -- the consumer group
//!     event_id     uuid        NOT NULL,
//!     reply        text,                  -- the envelope published as the outcome, as JSON
//!     processed_at timestamptz NOT NULL DEFAULT now(),
//!     CONSTRAINT inbox_once PRIMARY KEY (event_id, consumer)
//! );
//! ```

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    db::{Connection, DbError},
    events::Envelope,
};

/// The constraint that refuses a second effect.
pub const ONCE: &str = "inbox_once";

/// The events among `ids` that `consumer` has processed, each with the reply it stored.
///
/// # Errors
/// The database did not answer.
pub async fn processed(connection: &Connection, consumer: &str, ids: &[Uuid]) -> Result<HashMap<Uuid, Option<Envelope>>, DbError> {
    let statement = connection.prepare_cached("SELECT event_id, reply FROM inbox WHERE consumer = $1 AND event_id = ANY($2)").await?;
    let rows = connection.query(&statement, &[&consumer, &ids]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, Option<String>>(1).and_then(|json| serde_json::from_str(&json).ok()))).collect())
}
