//! Changes of stock: the one an operator asks for, and the entry that any of them leaves in the ledger.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Delta, Reason, Sku};

/// A change of stock that an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pub sku: Sku,
    pub delta: Delta,
    pub reason: Reason,
    pub actor: Uuid,
    /// The Idempotency-Key.
    pub key: String,
    /// The request body as it came: the same key with another one is refused. Its hash is stored.
    pub request: Vec<u8>,
}

/// An entry of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub id: i64,
    /// Pieces that came; negative: that went.
    pub delta: i32,
    /// On hand afterwards.
    pub balance: i32,
    pub reason: String,
    pub order_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    pub at: Timestamp,
}
