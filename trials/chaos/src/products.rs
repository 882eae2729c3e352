use serde_json::{Value, json};

/// The product of canaries, with ample stock.
pub const PLENTY: &str = "CHAOS-PLENTY";
/// A product with one unit: nearly every order of it is refunded.
pub const SCARCE: &str = "CHAOS-SCARCE";

/// The body of an order of one unit, paid without a failure.
#[must_use]
pub fn one(sku: &str) -> Value {
    json!({"items": [{"sku": sku, "quantity": 1}], "payment_method": "tok_ok"})
}
