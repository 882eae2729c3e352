use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, MoneyData};

/// An order is paid; its stock may be taken. Published by payment, consumed by inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCompleted {
    pub order_id: Uuid,
    pub user_id: Uuid,
    pub items: Vec<OrderedItem>,
    pub total: MoneyData,
    pub charge_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedItem {
    pub sku: String,
    pub quantity: u32,
    pub unit_price: MoneyData,
}

impl Event for OrderCompleted {
    const TYPE: &'static str = "shop.order.completed.v1";
    const STREAM: &'static str = "order_completed";

    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
