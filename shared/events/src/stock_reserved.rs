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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{id, read_and_write};

    #[test]
    fn stock_reserved_v1_is_read_as_it_was_written() {
        let item = |sku: &str, quantity| ReservedItem { sku: sku.to_owned(), quantity };
        let expected = StockReserved { order_id: id(10), items: vec![item("MUG-1", 2), item("POSTER", 1)] };
        assert_eq!(read_and_write::<StockReserved>(), expected);
    }
}
