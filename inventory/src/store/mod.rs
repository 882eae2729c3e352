//! All SQL of this service.

mod adjustments;
mod catalogue;
mod events;
mod movements;
mod products;
mod replies;
mod reservations;
mod search;

pub use adjustments::{Adjusted, adjust};
pub use catalogue::{Changed, change, create, remove, revive};
pub use events::product_changed;
pub use movements::movements;
pub use products::{StoredProduct, changes, levels, load, load_all, locked, page};
pub use replies::park_replies;
pub use reservations::{DecidedOrder, NEVER_NEGATIVE, ORDER_ONCE, Reply, WriteStock, answered};
pub use search::{SCAN_LIMIT, SearchPage, search};
