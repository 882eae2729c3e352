use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read};
use super::error::ApiError;
use super::list::Listed;
use super::money::Money;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub sku: String,
    /// 1 to 1000.
    pub quantity: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    /// `pending`, `completed`, `confirmed`, `refunded` or `declined`.
    pub status: String,
    /// Rises with every transition.
    pub version: u64,
    pub total: Money,
    pub created_at: Timestamp,
    #[serde(default)]
    pub items: Vec<Item>,
    /// Present if refunded or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A line of an order that was placed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub name: String,
    pub quantity: u32,
    pub line_total: Money,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Order {
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "confirmed" | "refunded" | "declined")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// After the transition.
    #[serde(default)]
    pub version: u64,
    #[serde(alias = "to")]
    pub status: String,
    /// Commit time.
    #[serde(alias = "time", alias = "created_at")]
    pub at: Timestamp,
    #[serde(default, alias = "reason")]
    pub cause: Option<Value>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A bare list, or the envelope of lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Timeline {
    Page { data: Vec<Transition> },
    Bare(Vec<Transition>),
}

impl Api {
    /// Places one order for each key, as USER.
    ///
    /// # Errors
    /// `unknown-product` with the missing SKUs.
    pub async fn place_order(&self, lines: &[Line], method: &str, key: &str) -> Result<Order, ApiError> {
        let body = json!({"items": lines, "payment_method": method});
        let request = self.request(Method::POST, &self.endpoints().payment, "/orders");
        read(request.header("Idempotency-Key", key).json(&body)).await
    }

    /// Reads an order; waits up to 20 s for a version later than `after`.
    ///
    /// # Errors
    /// 404 also for an order of another account.
    pub async fn order(&self, id: &str, after: Option<u64>) -> Result<Order, ApiError> {
        let path = match after {
            Some(version) => format!("/orders/{id}?wait=20&after_version={version}"),
            None => format!("/orders/{id}"),
        };
        self.get(&self.endpoints().payment, &path).await
    }

    /// Lists the newest orders first: to a USER the own ones. `filter` holds parameters of `GET /orders`.
    pub async fn orders(&self, filter: &[(&str, String)], limit: usize) -> Result<Listed<Order>, ApiError> {
        self.list(&self.endpoints().payment, "/orders", filter, limit).await
    }

    pub async fn timeline(&self, id: &str) -> Result<Vec<Transition>, ApiError> {
        let timeline = self.get(&self.endpoints().payment, &format!("/orders/{id}/timeline")).await?;
        Ok(match timeline {
            Timeline::Page { data } | Timeline::Bare(data) => data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_is_understood_with_and_without_the_envelope_of_lists() {
        let entry = r#"{"version":1,"status":"pending","at":"2026-01-01T00:00:00Z","cause":"placed"}"#;
        for text in [format!("[{entry}]"), format!(r#"{{"data":[{entry}],"has_more":false}}"#)] {
            let timeline: Timeline = serde_json::from_str(&text).expect("a timeline");
            let (Timeline::Page { data } | Timeline::Bare(data)) = timeline;
            assert_eq!((data.len(), data[0].status.as_str()), (1, "pending"));
        }
    }
}
