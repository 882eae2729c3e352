//! Products and carts, priced and parsed once a thread by the services' domain code.

use std::collections::HashMap;

use inventory::domain::Order as WantedOrder;
use payment::domain::{Cart, CartLine, Money, OrderLine, Product};
use uuid::Uuid;

pub const SKUS: [&str; 2] = ["A", "B"];

pub struct Goods {
    pub units: [u32; 2],
    pub lines: Vec<OrderLine>,
    pub total: Money,
    /// As inventory parses `order_completed`.
    pub wanted: WantedOrder,
    /// Index of the SKU of each line.
    pub skus: Vec<usize>,
}

pub struct Shop {
    pub goods: Vec<Goods>,
}

impl Shop {
    pub fn open() -> Self {
        let product = |sku: &&str| {
            let product = Product {
                sku: (*sku).into(),
                name: "x".into(),
                price: Money::new(100, "EUR"),
                version: 1,
                deleted: false,
            };
            ((*sku).to_owned(), product)
        };
        let catalogue: HashMap<String, Product> = SKUS.iter().map(product).collect();
        let carts = [[1, 0], [2, 0], [0, 1], [0, 2], [1, 1], [2, 1], [1, 2]];
        Self { goods: carts.into_iter().map(|units| Goods::of(units, &catalogue)).collect() }
    }
}

impl Goods {
    fn of(units: [u32; 2], catalogue: &HashMap<String, Product>) -> Self {
        let skus: Vec<usize> = (0..SKUS.len()).filter(|sku| units[*sku] > 0).collect();
        let cart =
            skus.iter().map(|sku| CartLine { sku: SKUS[*sku].to_owned(), quantity: units[*sku] }).collect();
        let (lines, total) =
            Cart::parse(cart).expect("a cart").price(|sku| catalogue.get(sku)).expect("its price");
        let items = skus.iter().map(|sku| (SKUS[*sku], units[*sku]));
        Self {
            units,
            lines,
            total,
            wanted: WantedOrder::parse(Uuid::nil(), items).expect("the same cart"),
            skus,
        }
    }
}
