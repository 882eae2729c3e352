//! The actors, all on the core arbiter.
//!
//! * [`StockDesk`] receives the messages of HTTP and of the consumer. StockDesk holds the address of every
//!   [`Product`] in memory.
//! * [`Product`] is the shelf of one SKU: the stock on hand, the holds, and the view.
//! * A round (`round.rs`) decides and commits the waiting orders before the next ones are decided.

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
