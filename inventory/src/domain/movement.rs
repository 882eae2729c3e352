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
    /// The request body; its hash detects a reused key.
    pub request: Vec<u8>,
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
