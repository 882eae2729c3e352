//! The rules of stock, without I/O.

mod decision;
mod invalid;
mod movement;
mod order;
mod precondition;
mod product;
mod search;
mod shelf;
mod sku;
mod stock;

pub use decision::{Decision, HoldResult, Refusal, ShortLine};
pub use invalid::Invalid;
pub use movement::{Adjustment, Movement};
pub use order::{Line, Malformed, Order};
pub use precondition::{Precondition, Versions};
pub use product::{Description, Details, Name, NewProduct, Price, ProductChange, ProductRecord};
pub use search::{Prefix, SearchPosition};
pub use shelf::{Level, Shelf, Short};
pub use sku::Sku;
pub use stock::{Delta, Reason, STOCK_LIMIT, StockCount};
