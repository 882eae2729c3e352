//! Handlers message actors only.

mod accounts;
mod admin_check;
mod admitted;
mod bodies;
mod client_bodies;
mod clients;
mod errors;
mod key_set;
mod keys;
mod metadata;
mod oauth;
mod oauth_error;
mod oauth_request;
mod openapi;
mod own_account;
mod routes;
mod sessions;
mod shop_document;

use runtime::supervisor::Supervised;

pub use admitted::{Limit, Limits};
pub use openapi::openapi;
pub use routes::routes;

use crate::actors::{Accounts, Clients, Sessions, SigningKeys};

#[derive(Clone)]
pub struct Addresses {
    pub accounts: Supervised<Accounts>,
    pub sessions: Supervised<Sessions>,
    pub clients: Supervised<Clients>,
    pub signing_keys: Supervised<SigningKeys>,
}
