//! The actors, all on the core arbiter.
//!
//! * [`StockDesk`] is the entry of HTTP and of the consumer. It knows the address of every [`Product`] that
//!   is in memory.
//! * [`Product`] is the shelf of one SKU: what is on hand, what of it is held, how it is shown.
//! * A round (`round.rs`) takes the orders that wait through decision, commit and settlement before the next
//!   ones are looked at.

mod attempt_error;
mod catalogue;
mod decider;
mod directory;
mod error;
mod paid_order;
mod parts;
mod product;
mod product_changes;
mod replies;
mod round;
mod stock_desk;

pub use catalogue::{CreateProduct, FindProducts, ListChanges, ListMovements, ListProducts};
pub use error::InventoryError;
pub use paid_order::PaidOrder;
pub use parts::{ProductParts, StockDeskParts};
pub use product::{CommitHold, Hold, Product, ProductView, ShowProduct};
pub use product_changes::{AdjustStock, ChangeProduct, RemoveProduct, StockAdjusted};
pub use stock_desk::{ReserveStock, StockDesk, ToProduct, start};
