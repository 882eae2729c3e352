//! The demo shop: a few products, and three orders that end in the three ways an order can.

use crate::api::{Line, Money, NewProduct};

const MUG: &str = "DEMO-MUG";
/// Never in stock, so that an order of it is refunded on every run.
const SOLD_OUT: &str = "DEMO-RARE-PRINT";

/// The demo products.
#[must_use]
pub fn products() -> Vec<NewProduct<'static>> {
    let product = |sku, name, description, cents, stock| NewProduct {
        sku,
        name,
        description,
        price: Money { amount: cents, currency: "EUR".to_owned() },
        stock,
    };
    vec![
        product(MUG, "Enamel mug", "Holds 300 ml of anything", 1299, 10_000),
        product("DEMO-SHIRT", "T-shirt", "Organic cotton, one size", 2450, 10_000),
        product("DEMO-POSTER", "Poster", "A2, on heavy paper", 1800, 500),
        product("DEMO-LAMP", "Desk lamp", "The last hundred of them", 5990, 100),
        product(SOLD_OUT, "Rare print", "Sold out: an order of it is refunded", 9900, 0),
    ]
}

/// An order of the demonstration and how it has to end.
#[derive(Debug, Clone)]
pub struct DemoOrder {
    /// What happens in it.
    pub title: &'static str,
    /// What is ordered.
    pub lines: Vec<Line>,
    /// How the simulated provider treats it.
    pub method: &'static str,
    /// The status it ends in.
    pub ends: &'static str,
}

/// One order for each end.
#[must_use]
pub fn orders() -> [DemoOrder; 3] {
    let of = |sku: &str, quantity| vec![Line { sku: sku.to_owned(), quantity }];
    [
        DemoOrder { title: "paid, and in stock", lines: of(MUG, 2), method: "tok_ok", ends: "confirmed" },
        DemoOrder { title: "paid, but sold out", lines: of(SOLD_OUT, 1), method: "tok_ok", ends: "refunded" },
        DemoOrder {
            title: "the card is declined",
            lines: of(MUG, 1),
            method: "tok_declined",
            ends: "declined",
        },
    ]
}
