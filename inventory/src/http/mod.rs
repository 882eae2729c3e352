//! The REST API. Handlers message actors only.

mod bodies;
mod changes;
mod errors;
mod movements;
mod openapi;
mod preconditions;
mod products;
mod rights;
mod routes;
mod stock;

use runtime::supervisor::Supervised;

pub use openapi::openapi;
pub use routes::routes;

use crate::actors::StockDesk;

#[derive(Clone)]
pub struct Addresses {
    pub desk: Supervised<StockDesk>,
    /// Products are shown to who sends no token.
    pub public_catalogue: bool,
}
