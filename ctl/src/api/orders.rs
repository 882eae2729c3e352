use std::fmt;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read};
use super::error::ApiError;

/// An amount in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Cents, for EUR.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

impl fmt::Display for Money {
    /// Formats EUR, USD, GBP and CHF with two decimal places, other currencies in minor units.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.currency.as_str() {
            "EUR" | "USD" | "GBP" | "CHF" => {
                write!(f, "{}.{:02} {}", self.amount / 100, (self.amount % 100).abs(), self.currency)
            }
            other => write!(f, "{} {other} (minor units)", self.amount),
        }
    }
}

/// An order line: a SKU and a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The SKU of the product.
    pub sku: String,
    /// The quantity, 1 to 1000.
    pub quantity: u32,
}

/// An order of `payment`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The id, a UUID.
    pub id: String,
    /// `pending`, `completed`, `confirmed`, `refunded` or `declined`.
    pub status: String,
    /// The version, which rises with every transition.
    pub version: u64,
    /// The total of all lines.
    pub total: Money,
    /// The reason of an order that was refunded or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields unknown to this version of `shopctl`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Order {
    /// Whether the order is in a final state.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "confirmed" | "refunded" | "declined")
    }
}

/// One transition of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The version after the transition.
    #[serde(default)]
    pub version: u64,
    /// The status after the transition.
    #[serde(alias = "to")]
    pub status: String,
    /// The time of the commit.
    #[serde(alias = "time", alias = "created_at")]
    pub at: Timestamp,
    /// The cause.
    #[serde(default, alias = "reason")]
    pub cause: Option<Value>,
    /// Fields unknown to this version of `shopctl`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A timeline, as a bare list or in the envelope of lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Timeline {
    Page { data: Vec<Transition> },
    Bare(Vec<Transition>),
}

impl Api {
    /// Places an order. Calls with the same key place one order. Needs the role USER.
    ///
    /// # Errors
    /// [`ApiError`]; `unknown-product` with the missing SKUs.
    pub async fn place_order(&self, lines: &[Line], method: &str, key: &str) -> Result<Order, ApiError> {
        let body = json!({"items": lines, "payment_method": method});
        let request = self.request(Method::POST, &self.endpoints().payment, "/orders");
        read(request.header("Idempotency-Key", key).json(&body)).await
    }

    /// Reads an order; with `after`, waits up to 20 s for a later version.
    ///
    /// # Errors
    /// [`ApiError`]; 404 also for an order of another account.
    pub async fn order(&self, id: &str, after: Option<u64>) -> Result<Order, ApiError> {
        let path = match after {
            Some(version) => format!("/orders/{id}?wait=20&after_version={version}"),
            None => format!("/orders/{id}"),
        };
        self.get(&self.endpoints().payment, &path).await
    }

    /// Lists the transitions of an order so far, in order.
    ///
    /// # Errors
    /// [`ApiError`].
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
    fn money_is_shown_with_its_decimal_places() {
        let money = |amount, currency: &str| Money { amount, currency: currency.to_owned() }.to_string();
        assert_eq!(money(1999, "EUR"), "19.99 EUR");
        assert_eq!(money(5, "EUR"), "0.05 EUR");
        assert_eq!(money(500, "JPY"), "500 JPY (minor units)");
    }

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
