use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, send};
use super::error::ApiError;
use crate::stack::Kind;

/// A stream and the group of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    pub stream: String,
    pub group: String,
    /// Includes read entries.
    pub length: u64,
    pub unread: u64,
    /// The count is an estimate after a trim.
    #[serde(default)]
    pub unread_approximate: bool,
    /// Read, unacknowledged.
    pub pending: u64,
    #[serde(default)]
    pub oldest_pending_seconds: f64,
    #[serde(default)]
    pub consumers: Vec<Consumer>,
    /// Foreign groups delay the trimming of entries.
    #[serde(default)]
    pub foreign_groups: Vec<ForeignGroup>,
    pub dead_letters: u64,
    /// Since the service started.
    #[serde(default)]
    pub reclaimed_total: u64,
}

/// Unknown to the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignGroup {
    pub name: String,
    pub unread: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    pub name: String,
    pub idle_seconds: f64,
    pub pending: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeadLetter {
    /// `<stream>.dead~1700000000000-0`
    pub id: String,
    pub stream: String,
    pub group: String,
    pub deliveries: u64,
    /// Such as `delivery-limit`.
    pub reason: String,
    #[serde(default)]
    pub last_error: Option<String>,
    #[serde(default)]
    pub dead_lettered_at: Option<String>,
    #[serde(default)]
    pub event: Value,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    pub redriven: u64,
}

#[derive(Deserialize)]
struct Streams {
    streams: Vec<Stream>,
}

/// Accepts partitions such as `order_completed.0`.
#[must_use]
pub fn owner_of_stream(stream: &str) -> Option<Kind> {
    let consumer = events::route_of(stream)?.consumer;
    Kind::ALL.into_iter().find(|kind| kind.name() == consumer)
}

impl Api {
    pub(super) fn service(&self, kind: Kind) -> &str {
        match kind {
            Kind::User => &self.endpoints().user,
            Kind::Inventory => &self.endpoints().inventory,
            Kind::Payment => &self.endpoints().payment,
        }
    }

    /// Lists consumed streams, as ADMIN.
    pub async fn streams(&self, of: Kind) -> Result<Vec<Stream>, ApiError> {
        let streams: Streams = self.get(self.service(of), "/ops/streams").await?;
        Ok(streams.streams)
    }

    /// Lists at most `limit`, of one stream or of all, as ADMIN.
    pub async fn dead_letters(
        &self,
        of: Kind,
        stream: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, ApiError> {
        let filter: Vec<_> = stream.map(|stream| ("stream", stream.to_owned())).into_iter().collect();
        Ok(self.list(self.service(of), "/ops/dead-letters", &filter, limit).await?.data)
    }

    /// As ADMIN.
    pub async fn dead_letter(&self, of: Kind, id: &str) -> Result<DeadLetter, ApiError> {
        self.get(self.service(of), &format!("/ops/dead-letters/{id}")).await
    }

    /// As ADMIN.
    pub async fn redrive(&self, of: Kind, id: &str) -> Result<Redriven, ApiError> {
        self.post(self.service(of), &format!("/ops/dead-letters/{id}/redrive"), &json!({})).await
    }

    /// Redrives or counts those that match `filter`, as ADMIN.
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

    /// As ADMIN.
    pub async fn discard(&self, of: Kind, id: &str, reason: &str) -> Result<(), ApiError> {
        let request = self.request(Method::DELETE, self.service(of), &format!("/ops/dead-letters/{id}"));
        send(request.json(&json!({"reason": reason}))).await.map(drop)
    }
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
