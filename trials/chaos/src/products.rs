use serde_json::{Value, json};

/// For canaries, with ample stock.
pub const PLENTY: &str = "CHAOS-PLENTY";
/// One unit of stock: nearly every order is refunded.
pub const SCARCE: &str = "CHAOS-SCARCE";

#[must_use]
pub fn one(sku: &str) -> Value {
    json!({"items": [{"sku": sku, "quantity": 1}], "payment_method": "tok_ok"})
}
