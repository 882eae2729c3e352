//! Changes of stock: the adjustment an operator requests, and the ledger entry of any change.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Delta, Reason, Sku};

/// A change of stock requested by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pub sku: Sku,
    pub delta: Delta,
    pub reason: Reason,
    pub actor: Uuid,
    /// The Idempotency-Key.
    pub key: String,
    /// The request body, stored as a hash. The same key with another body is refused.
    pub request: Vec<u8>,
}

/// An entry of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub id: i64,
    /// Pieces added; negative for pieces taken.
    pub delta: i32,
    /// Stock on hand after the entry.
    pub balance: i32,
    pub reason: String,
    pub order_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    pub at: Timestamp,
}
