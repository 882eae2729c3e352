use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;

/// The stock of an order was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReserved {
    pub order_id: Uuid,
    pub items: Vec<ReservedItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedItem {
    pub sku: String,
    pub quantity: u32,
}

impl Event for StockReserved {
    const TYPE: &'static str = "shop.stock.reserved.v1";
    const STREAM: &'static str = "stock_reserved";

    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
