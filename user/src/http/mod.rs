//! Routes, bodies, error mapping. Handlers message actors and nothing else.

mod account_body;
mod accounts;
mod error;
mod key_set;
mod openapi;
mod service_token;
mod sessions;

use actix_web::web::{self, Data, ServiceConfig};
use jsonwebtoken::jwk::JwkSet;
use runtime::supervisor::Supervised;

pub use openapi::openapi;

use crate::actors::{Accounts, ServiceTokens};

/// The name of this service in health, metrics and logs.
pub const SERVICE: &str = "user";

/// The actors the handlers message.
#[derive(Clone)]
pub struct Addresses {
    pub accounts: Supervised<Accounts>,
    pub service_tokens: Supervised<ServiceTokens>,
}

/// Adds the routes of this service.
pub fn routes(addresses: Addresses, public_keys: JwkSet) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(Data::new(addresses))
            .app_data(Data::new(public_keys))
            .service(web::resource("/auth/register").post(accounts::register))
            .service(web::resource("/auth/login").post(sessions::log_in))
            .service(web::resource("/auth/service-token").post(service_token::issue_service_token))
            .service(web::resource("/auth/user").get(accounts::show_own_account))
            .service(web::resource("/users").get(accounts::list_accounts))
            .service(web::resource("/users/{id}").patch(accounts::change_role))
            .service(web::resource("/.well-known/jwks.json").get(key_set::show_key_set));
    }
}
