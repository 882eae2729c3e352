//! The actors, all on the core arbiter.

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

pub use catalogue::{
    CreateProduct, FindProducts, FoundProducts, ListChanges, ListMovements, ListProducts, SearchProducts,
};
pub use error::InventoryError;
pub use paid_order::PaidOrder;
pub use parts::{ProductParts, StockDeskParts};
pub use product::{CommitHold, Hold, Product, ProductView, ShowProduct};
pub use product_changes::{AdjustStock, ChangeProduct, RemoveProduct, StockAdjusted};
pub use replies::DECISIONS;
pub use stock_desk::{ReserveStock, StockDesk, ToProduct, start};
