use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read, send};
use super::error::ApiError;
use crate::stack::Kind;

/// The state of a stream and of the group of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// The key in Redis.
    pub stream: String,
    /// The consumer group.
    pub group: String,
    /// Entries in the stream, including read ones.
    pub length: u64,
    /// Entries the group has not read.
    pub unread: u64,
    /// Whether `unread` is an estimate, after a trim.
    #[serde(default)]
    pub unread_approximate: bool,
    /// Entries that are read and not acknowledged.
    pub pending: u64,
    /// Age of the oldest pending entry.
    #[serde(default)]
    pub oldest_pending_seconds: f64,
    /// The consumers of the group.
    #[serde(default)]
    pub consumers: Vec<Consumer>,
    /// Foreign groups, which delay the trimming of entries.
    #[serde(default)]
    pub foreign_groups: Vec<ForeignGroup>,
    /// Dead letters of this stream.
    pub dead_letters: u64,
    /// Entries claimed from idle consumers since the service started.
    #[serde(default)]
    pub reclaimed_total: u64,
}

/// A group unknown to the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignGroup {
    /// The name.
    pub name: String,
    /// Entries the group has not read.
    pub unread: u64,
}

/// A consumer of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// The name.
    pub name: String,
    /// Seconds since the last command of the consumer.
    pub idle_seconds: f64,
    /// Pending entries of the consumer.
    pub pending: u64,
}

/// An event that could not be processed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeadLetter {
    /// `<stream>.dead~1700000000000-0`
    pub id: String,
    /// The stream of the event.
    pub stream: String,
    /// The group that failed.
    pub group: String,
    /// The delivery count.
    pub deliveries: u64,
    /// The reason, such as `delivery-limit`.
    pub reason: String,
    /// The error of the last delivery.
    #[serde(default)]
    pub last_error: Option<String>,
    /// The time at which the event became a dead letter.
    #[serde(default)]
    pub dead_lettered_at: Option<String>,
    /// The event itself.
    #[serde(default)]
    pub event: Value,
    /// The other fields: consumer, first error, times.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The result of a redrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    /// Dead letters that match the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Dead letters sent to the failing group again.
    pub redriven: u64,
}

#[derive(Deserialize)]
struct Streams {
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<DeadLetter>,
    has_more: bool,
    next_cursor: Option<String>,
}

/// The service that consumes a stream and keeps its dead letters. Accepts partitions such as
/// `order_completed.0`.
#[must_use]
pub fn owner_of_stream(stream: &str) -> Option<Kind> {
    let consumer = events::route_of(stream)?.consumer;
    Kind::ALL.into_iter().find(|kind| kind.name() == consumer)
}

impl Api {
    fn service(&self, kind: Kind) -> &str {
        match kind {
            Kind::User => &self.endpoints().user,
            Kind::Inventory => &self.endpoints().inventory,
            Kind::Payment => &self.endpoints().payment,
        }
    }

    /// Lists the streams a service consumes. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn streams(&self, of: Kind) -> Result<Vec<Stream>, ApiError> {
        let streams: Streams = self.get(self.service(of), "/ops/streams").await?;
        Ok(streams.streams)
    }

    /// Lists at most `limit` dead letters of a service, of one stream or of all. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn dead_letters(
        &self,
        of: Kind,
        stream: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, ApiError> {
        let mut letters = Vec::new();
        let mut cursor = None;
        while letters.len() < limit {
            let mut query = vec![("limit", (limit - letters.len()).min(100).to_string())];
            query.extend(stream.map(|stream| ("stream", stream.to_owned())));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page =
                read(self.request(Method::GET, self.service(of), &dead_letters_path(&query))).await?;
            letters.extend(page.data);
            cursor = page.next_cursor;
            if !page.has_more || cursor.is_none() {
                break;
            }
        }
        Ok(letters)
    }

    /// Reads one dead letter. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn dead_letter(&self, of: Kind, id: &str) -> Result<DeadLetter, ApiError> {
        self.get(self.service(of), &format!("/ops/dead-letters/{id}")).await
    }

    /// Redrives one dead letter. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn redrive(&self, of: Kind, id: &str) -> Result<Redriven, ApiError> {
        self.post(self.service(of), &format!("/ops/dead-letters/{id}/redrive"), &json!({})).await
    }

    /// Redrives all dead letters of a stream that match `filter`, or counts them. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn redrive_all(
        &self,
        of: Kind,
        stream: &str,
        filter: &Value,
        dry_run: bool,
    ) -> Result<Redriven, ApiError> {
        let body = json!({"stream": stream, "filter": filter, "dry_run": dry_run});
        self.post(self.service(of), "/ops/dead-letters/redrive", &body).await
    }

    /// Discards a dead letter. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn discard(&self, of: Kind, id: &str, reason: &str) -> Result<(), ApiError> {
        let request = self.request(Method::DELETE, self.service(of), &format!("/ops/dead-letters/{id}"));
        send(request.json(&json!({"reason": reason}))).await.map(drop)
    }
}

/// Builds the path of the list. Cursors and stream names are URL-safe by contract.
fn dead_letters_path(query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("/ops/dead-letters?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_belongs_to_the_service_that_consumes_it() {
        assert_eq!(owner_of_stream("order_completed"), Some(Kind::Inventory));
        assert_eq!(owner_of_stream("order_completed.3"), Some(Kind::Inventory));
        assert_eq!(owner_of_stream("refund_order"), Some(Kind::Payment));
        assert_eq!(owner_of_stream("nonsense"), None);
    }
}
