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
    pub const fn as_str(self) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{id, read_and_write};

    #[test]
    fn refund_order_v1_is_read_as_it_was_written() {
        let short = ShortItem { sku: "POSTER".to_owned(), wanted: 1, available: 0 };
        let expected =
            RefundOrder { order_id: id(10), reason: RefundReason::InsufficientStock, items: vec![short] };
        assert_eq!(read_and_write::<RefundOrder>(), expected);
    }

    #[test]
    fn every_reason_for_a_refund_has_the_name_of_the_contract() {
        for (name, reason) in [
            ("insufficient-stock", RefundReason::InsufficientStock),
            ("unknown-product", RefundReason::UnknownProduct),
            ("rejected", RefundReason::Rejected),
        ] {
            assert_eq!(serde_json::from_value::<RefundReason>(name.into()).expect("known"), reason);
            assert_eq!((reason.as_str(), serde_json::to_value(reason).expect("JSON")), (name, name.into()));
        }
    }
}
