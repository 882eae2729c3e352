use std::time::Duration;

use serde::Deserialize;
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

/// Newest first: to a USER the own ones.
pub fn list(status: &str, user_id: &str, cursor: &str) -> Call<Page<Order>> {
    let call = Call::get(Service::Payment, ["orders"]).query("limit", ROWS).query("cursor", cursor);
    call.query("status", status).query("user_id", user_id)
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
