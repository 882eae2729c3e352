use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApiError, Call, Page, ROWS, Service};
use crate::text::{Moment, Money};

/// Seconds that a long poll waits, and the time that its answer may take.
const WAIT: &str = "20";
const ANSWERED_WITHIN: Duration = Duration::from_secs(28);

pub const STATUSES: [&str; 5] = ["pending", "completed", "confirmed", "refunded", "declined"];

#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    pub id: String,
    pub user_id: String,
    pub status: String,
    pub items: Vec<Item>,
    pub total: Money,
    pub payment: Payment,
    pub reason: Option<String>,
    /// Rises with every transition.
    pub version: u32,
    pub created_at: Moment,
    pub updated_at: Moment,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    pub sku: String,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
    pub line_total: Money,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Payment {
    pub method: String,
    pub charge_id: Option<String>,
    pub refund_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Timeline {
    pub data: Vec<Transition>,
    /// An ADMIN gets it.
    pub trace_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Transition {
    pub status: String,
    pub at: Moment,
    /// `placed`, `charged`, `declined by the provider`, or the type of an event.
    pub cause: String,
}

impl Order {
    pub fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "confirmed" | "refunded" | "declined")
    }
}

/// The conditions of a list; an empty text is none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderFilter {
    pub status: String,
    pub sku: String,
    pub user_id: String,
    /// An Idempotency-Key of this user, as it is.
    pub key: String,
    /// RFC 3339, or as a form has it: `2026-01-02T03:04`, in UTC.
    pub created_from: String,
    pub created_to: String,
    pub cursor: String,
}

impl OrderFilter {
    fn pairs(&self) -> [(&'static str, String); 7] {
        [
            ("status", self.status.clone()),
            ("sku", self.sku.trim().to_uppercase()),
            ("user_id", self.user_id.trim().to_owned()),
            ("key", self.key.clone()),
            ("created_from", in_utc(&self.created_from)),
            ("created_to", in_utc(&self.created_to)),
            ("cursor", self.cursor.clone()),
        ]
    }
}

/// A time without a zone is one in UTC.
fn in_utc(time: &str) -> String {
    match time.trim() {
        time if time.len() == "2026-01-02T03:04".len() => format!("{time}:00Z"),
        time if time.len() == "2026-01-02T03:04:05".len() => format!("{time}Z"),
        time => time.to_owned(),
    }
}

/// Newest first: to a USER the own ones.
pub fn list(filter: &OrderFilter) -> Call<Page<Order>> {
    let call = Call::get(Service::Payment, ["orders"]).query("limit", ROWS);
    filter.pairs().iter().fold(call, |call, (name, value)| call.query(name, value))
}

/// The order as JSON has it.
pub fn show(id: &str) -> Call<Value> {
    Call::get(Service::Payment, ["orders", id])
}

pub fn parse(json: &Value) -> Result<Order, ApiError> {
    let not_understood = |error: serde_json::Error| ApiError::NotUnderstood {
        service: Service::Payment,
        reason: error.to_string(),
    };
    Order::deserialize(json).map_err(not_understood)
}

/// Waits for a version after `version`.
pub fn next_version(id: &str, version: u32) -> Call<Value> {
    show(id).query("wait", WAIT).query("after_version", &version.to_string()).within(ANSWERED_WITHIN)
}

pub fn timeline(id: &str) -> Call<Timeline> {
    Call::get(Service::Payment, ["orders", id, "timeline"])
}

/// One order for each `key`.
pub fn place(sku: &str, quantity: u32, method: &str, key: &str) -> Call<Order> {
    let body = json!({"items": [{"sku": sku, "quantity": quantity}], "payment_method": method});
    Call::post(Service::Payment, ["orders"], body).header("Idempotency-Key", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_a_form_is_in_utc() {
        assert_eq!(in_utc("2026-01-02T03:04"), "2026-01-02T03:04:00Z");
        assert_eq!(in_utc("2026-01-02T03:04:05"), "2026-01-02T03:04:05Z");
        assert_eq!(in_utc("2026-01-02T03:04:05+01:00"), "2026-01-02T03:04:05+01:00");
        assert_eq!(in_utc(""), "");
    }
}
