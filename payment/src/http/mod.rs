//! The REST API. Handlers message actors only.

mod bodies;
mod errors;
mod openapi;
mod orders;
mod place;
mod routes;
mod transitions;
mod wait;

use std::time::Duration;

use runtime::{
    limits::{RateLimit, Shares},
    supervisor::Supervised,
};
use uuid::Uuid;

pub use openapi::openapi;
pub use routes::routes;

use crate::actors::{Catalogue, ChargeBacklog, OrderDesk, OrderNotifier, OrderThrottle, OrderWriter};

#[derive(Clone)]
pub struct Addresses {
    pub orders: Supervised<OrderDesk>,
    pub writer: OrderWriter,
    pub catalogue: Supervised<Catalogue>,
    pub backlog: ChargeBacklog,
    pub throttle: OrderThrottle,
    pub notifier: OrderNotifier,
    pub orders_by_user: RateLimit<Uuid>,
    pub waits_by_user: Shares<Uuid>,
    /// Of all users.
    pub waits: Shares<()>,
    pub event_heartbeat: Duration,
}
