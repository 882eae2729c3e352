use serde_json::{Value, json};

/// Plenty of it for canaries.
pub const PLENTY: &str = "CHAOS-PLENTY";
/// One piece: nearly every order of it is refunded.
pub const SCARCE: &str = "CHAOS-SCARCE";

/// One line of one piece, paid without trouble.
#[must_use]
pub fn one(sku: &str) -> Value {
    json!({"items": [{"sku": sku, "quantity": 1}], "payment_method": "tok_ok"})
}
