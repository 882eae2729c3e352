use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, MoneyData};

/// An order is paid; its stock may be taken.
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

/// A random mask that preserves version, variant and time of a UUIDv7.
const EVENT_OF_ORDER: u128 = 0x1d3a_94c2_6b7e_50f9;

impl OrderCompleted {
    /// Repeated events of one order share this id, even after a loss of payment's database.
    #[must_use]
    pub fn event_id(order_id: Uuid) -> Uuid {
        Uuid::from_u128(order_id.as_u128() ^ EVENT_OF_ORDER)
    }
}

impl Event for OrderCompleted {
    const TYPE: &'static str = "shop.order.completed.v1";
    const STREAM: &'static str = "order_completed";

    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{euro, id, read_and_write};

    #[test]
    fn order_completed_v1_is_read_as_it_was_written() {
        let item = |sku: &str, quantity, cents| OrderedItem {
            sku: sku.to_owned(),
            quantity,
            unit_price: euro(cents),
        };
        let expected = OrderCompleted {
            order_id: id(10),
            user_id: id(11),
            items: vec![item("MUG-1", 2, 1299), item("POSTER", 1, 1800)],
            total: euro(4398),
            charge_id: "ch_01920000000070008000000000000001".to_owned(),
        };
        assert_eq!(read_and_write::<OrderCompleted>(), expected);
    }

    #[test]
    fn the_event_of_an_order_has_an_id_of_its_own_and_the_time_of_the_order() {
        let order = Uuid::now_v7();
        let event = OrderCompleted::event_id(order);
        assert_ne!(event, order);
        assert_eq!(event, OrderCompleted::event_id(order), "the same whenever it is asked for");
        assert_eq!((event.get_version(), event.get_variant()), (order.get_version(), order.get_variant()));
        assert_eq!(event.as_u128() >> 64, order.as_u128() >> 64);
    }
}
