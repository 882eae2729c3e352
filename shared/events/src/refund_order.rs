use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;

/// The stock cannot be taken: refund the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    pub order_id: Uuid,
    pub reason: RefundReason,
    /// The short lines; the order took no stock.
    pub items: Vec<ShortItem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundReason {
    InsufficientStock,
    UnknownProduct,
    Rejected,
}

impl RefundReason {
    /// The text in events and orders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientStock => "insufficient-stock",
            Self::UnknownProduct => "unknown-product",
            Self::Rejected => "rejected",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortItem {
    pub sku: String,
    pub wanted: u32,
    pub available: u32,
}

impl Event for RefundOrder {
    const TYPE: &'static str = "shop.order.refund.v1";
    const STREAM: &'static str = "refund_order";

    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
