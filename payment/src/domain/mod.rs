//! The order and its parts, without I/O and frameworks.

mod applied;
mod cart;
mod idempotency;
mod money;
mod order;
mod payment_method;
mod product;
mod request;
mod status;
mod throttle;

pub use applied::Applied;
pub use cart::{Cart, CartLine, PricingError, Violation};
pub use idempotency::{IdempotencyKey, ResponseKind};
pub use money::{LARGEST_AMOUNT, Money, is_currency};
pub use order::{NewOrder, Order, OrderLine, Payment, Progress, Transition};
pub use payment_method::PaymentMethod;
pub use product::{Product, SKU_RULE, is_sku};
pub use request::{OrderFilter, OrderRequest, Placed};
pub use status::OrderStatus;
pub use throttle::Throttle;
