//! One order for each final state.

use crate::api::{Line, Money, NewProduct};

const MUG: &str = "DEMO-MUG";
/// Out of stock: an order is refunded on every run.
const SOLD_OUT: &str = "DEMO-RARE-PRINT";

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

#[derive(Debug, Clone)]
pub struct DemoOrder {
    pub title: &'static str,
    pub lines: Vec<Line>,
    /// Decides the behaviour of the simulated provider.
    pub method: &'static str,
    pub ends: &'static str,
}

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
