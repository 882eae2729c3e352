//! All SQL of this service.

mod adjustments;
mod catalogue;
mod events;
mod movements;
mod products;
mod replies;
mod reservations;

pub use adjustments::{Adjusted, Adjustment, adjust};
pub use catalogue::{Changed, NewProduct, change, create, remove};
pub use events::product_changed;
pub use movements::{Movement, movements};
pub use products::{ProductChange, StoredProduct, changes, levels, load, load_all, locked, page};
pub use replies::park_replies;
pub use reservations::{NEVER_NEGATIVE, ORDER_ONCE, Reply, Ruling, WriteStock, answered};
