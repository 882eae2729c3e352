use serde::{Deserialize, Serialize};

use super::{Event, MoneyData};

/// A product was created, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChanged {
    pub sku: String,
    pub name: String,
    pub price: MoneyData,
    /// Rises with every change; older versions are ignored.
    pub version: i64,
    pub deleted: bool,
}

impl Event for ProductChanged {
    const TYPE: &'static str = "shop.product.changed.v1";
    const STREAM: &'static str = "product_changed";

    fn subject(&self) -> String {
        self.sku.clone()
    }
}
