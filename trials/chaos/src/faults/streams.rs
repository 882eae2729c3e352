use ctl::stack::{Kind, ServiceId};
use events::consumed_by;

use crate::ChaosError;
use crate::arena::Arena;

/// The most used stream of a service, and its group.
pub fn main_stream(kind: Kind) -> (&'static str, &'static str) {
    let consumer = if kind == Kind::Inventory { kind } else { Kind::Payment };
    let route = consumed_by(consumer.name()).next();
    route.map_or(("", ""), |route| (route.stream, route.group))
}

pub fn streams(kind: Kind) -> Vec<&'static str> {
    consumed_by(kind.name()).map(|route| route.stream).collect()
}

/// The instance of payment whose orders trigger work at `target`.
pub fn payment_for(arena: &Arena, target: ServiceId) -> Result<String, ChaosError> {
    match target.kind {
        Kind::Payment => arena.url(target),
        Kind::User | Kind::Inventory => arena.url(ServiceId { kind: Kind::Payment, instance: 1 }),
    }
}
