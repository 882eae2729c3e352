//! The processed events of a consumer. Each row is part of the transaction of the effect; the primary key
//! decides about duplicates, and a repeated event gets the stored reply.
//!
//! ```sql
//! CREATE TABLE inbox (
//!     consumer     text        NOT NULL,  -- the consumer group
//!     event_id     uuid        NOT NULL,
//!     reply        text,                  -- a [`StoredReply`], as JSON
//!     processed_at timestamptz NOT NULL DEFAULT now(),
//!     CONSTRAINT inbox_once PRIMARY KEY (event_id, consumer)
//! );
//! ```

use std::{borrow::Cow, collections::HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Connection, DbError};
use events::{Envelope, TraceContext, plain_json};

/// Refuses a second effect of the same event.
pub const ONCE: &str = "inbox_once";

/// Bytes, apart from the data.
const TYPICAL: usize = 256;

/// The fields of a reply that cannot be derived from its event: a third of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply<'a> {
    /// The same at every repetition.
    pub id: Uuid,
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The time of the first reply.
    pub time: Timestamp,
    /// Lets SQL follow an order through the tables.
    #[serde(rename = "correlationid")]
    pub correlation_id: Cow<'a, str>,
    /// JSON.
    pub data: Cow<'a, str>,
}

impl StoredReply<'_> {
    /// The stored JSON.
    pub fn to_json(&self) -> String {
        plain_json(self, TYPICAL + self.data.len())
    }

    /// The reply that `source` sent to the first `question`.
    pub fn to(self, question: &Envelope, source: &str) -> Envelope {
        Envelope {
            id: self.id,
            kind: self.kind.into_owned(),
            time: self.time,
            data: self.data.into_owned(),
            source: source.to_owned(),
            traceparent: TraceContext::carried_on(&question.traceparent),
            causation_id: Some(question.id),
            redrive_group: None,
            ..question.clone()
        }
    }
}

impl<'a> From<&'a Envelope> for StoredReply<'a> {
    fn from(reply: &'a Envelope) -> Self {
        Self {
            id: reply.id,
            kind: Cow::Borrowed(&reply.kind),
            time: reply.time,
            correlation_id: Cow::Borrowed(&reply.correlation_id),
            data: Cow::Borrowed(&reply.data),
        }
    }
}

/// The events among `ids` that `consumer` has processed.
pub async fn processed(
    connection: &Connection,
    consumer: &str,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<StoredReply<'static>>>, DbError> {
    let statement = connection
        .prepare_cached("SELECT event_id, reply FROM inbox WHERE consumer = $1 AND event_id = ANY($2)")
        .await?;
    let rows = connection.query(&statement, &[&consumer, &ids]).await?;
    rows.iter()
        .map(|row| {
            Ok((row.get(0)?, row.get::<Option<&str>>(1)?.and_then(|json| serde_json::from_str(json).ok())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{Origin, ReservedItem, StockReserved, TraceContext};

    fn question() -> Envelope {
        let order_id = Uuid::now_v7();
        let origin = Origin { trace: TraceContext::root(), request_id: Some("of-the-customer".to_owned()) };
        Envelope::new(&StockReserved { order_id, items: Vec::new() }, "payment", order_id.to_string(), origin)
    }

    fn order_id(question: &Envelope) -> Uuid {
        question.subject.parse().expect("an order's id")
    }

    #[test]
    fn a_stored_reply_is_given_again_as_it_was_given() {
        let asked = question();
        let items = vec![ReservedItem { sku: "A \"quoted\" one".to_owned(), quantity: 2 }];
        let reply = asked.reply(&StockReserved { order_id: order_id(&asked), items }, "inventory");
        let stored = StoredReply::from(&reply).to_json();
        let read: StoredReply = serde_json::from_str(&stored).expect("what was stored");
        assert_eq!(read.to(&asked, "inventory"), reply);
    }

    #[test]
    fn a_redriven_question_is_answered_to_everybody() {
        let asked = question();
        let reply =
            asked.reply(&StockReserved { order_id: order_id(&asked), items: Vec::new() }, "inventory");
        let redriven = Envelope { redrive_group: Some("inventory-order-completed".to_owned()), ..asked };
        assert_eq!(StoredReply::from(&reply).to(&redriven, "inventory"), reply);
    }
}
