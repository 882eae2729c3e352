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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{euro, read_and_write};

    #[test]
    fn product_changed_v1_is_read_as_it_was_written() {
        let expected = ProductChanged {
            sku: "MUG-1".to_owned(),
            name: "Enamel mug".to_owned(),
            price: euro(1299),
            version: 1,
            deleted: false,
        };
        assert_eq!(read_and_write::<ProductChanged>(), expected);
    }
}
