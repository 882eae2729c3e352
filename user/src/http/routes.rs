use actix_web::web::{self, Data, ServiceConfig};
use jsonwebtoken::jwk::JwkSet;

use super::{Addresses, accounts, key_set, service_token, sessions};

pub fn routes(addresses: Addresses, public_keys: JwkSet) -> impl Fn(&mut ServiceConfig) + Clone {
    let addresses = Data::new(addresses);
    let public_keys = Data::new(public_keys);
    move |config| {
        config
            .app_data(addresses.clone())
            .app_data(public_keys.clone())
            .service(web::resource("/auth/register").post(accounts::register))
            .service(web::resource("/auth/login").post(sessions::log_in))
            .service(web::resource("/auth/service-token").post(service_token::issue_service_token))
            .service(web::resource("/auth/user").get(accounts::show_own_account))
            .service(web::resource("/users").get(accounts::list_accounts))
            .service(web::resource("/users/{id}").patch(accounts::change_role))
            .service(web::resource("/.well-known/jwks.json").get(key_set::show_key_set));
    }
}
