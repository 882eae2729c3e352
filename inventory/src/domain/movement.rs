use jiff::Timestamp;
use uuid::Uuid;

use super::{Delta, Reason, Sku};

/// Requested by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pub sku: Sku,
    pub delta: Delta,
    pub reason: Reason,
    pub actor: Uuid,
    /// The Idempotency-Key.
    pub key: String,
}

impl Adjustment {
    /// What the request means, whatever its white space and the order of its fields. Its hash detects a
    /// reused key.
    pub fn request(&self) -> Vec<u8> {
        format!("{} {}", self.delta.get(), self.reason.as_str()).into_bytes()
    }
}

/// An entry of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub id: i64,
    /// Negative for pieces taken.
    pub delta: i32,
    /// On hand after the entry.
    pub balance: i32,
    pub reason: String,
    pub order_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    pub at: Timestamp,
}
