//! Handlers message actors only.

mod accounts;
mod bodies;
mod errors;
mod key_set;
mod openapi;
mod routes;
mod service_token;
mod sessions;

use runtime::supervisor::Supervised;

pub use openapi::openapi;
pub use routes::routes;

use crate::actors::{Accounts, ServiceTokens, Sessions};

#[derive(Clone)]
pub struct Addresses {
    pub accounts: Supervised<Accounts>,
    pub sessions: Supervised<Sessions>,
    pub service_tokens: Supervised<ServiceTokens>,
}
