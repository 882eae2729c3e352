use ctl::stack::{Kind, ServiceId};

use crate::ChaosError;
use crate::arena::Arena;

/// The stream a service consumes most of, and its group.
pub fn main_stream(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Inventory => ("order_completed", "inventory-group"),
        Kind::Payment | Kind::User => ("stock_reserved", "payment-group"),
    }
}

/// All streams a service consumes.
pub fn streams(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::User => &[],
        Kind::Inventory => &["order_completed"],
        Kind::Payment => &["stock_reserved", "refund_order", "product_changed"],
    }
}

/// The instance of payment that gets the orders which shall trigger something at `target`.
pub fn payment_for(arena: &Arena, target: ServiceId) -> Result<String, ChaosError> {
    match target.kind {
        Kind::Payment => arena.url(target),
        Kind::User | Kind::Inventory => arena.url(ServiceId { kind: Kind::Payment, instance: 1 }),
    }
}
