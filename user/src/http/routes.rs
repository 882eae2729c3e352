use actix_web::web::{self, Data, ServiceConfig};

use super::{
    Addresses, Limits, accounts, admin_check::admin_check, clients, key_set, keys, metadata,
    metadata::Metadata, oauth, own_account, sessions, shop_document,
};
use crate::tokens::PublishedKeys;

/// `url`: of this service for its clients.
pub fn routes(
    addresses: Addresses,
    limits: Limits,
    public_keys: PublishedKeys,
    url: &str,
) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    let addresses = Data::new(addresses);
    let limits = Data::new(limits);
    let public_keys = Data::new(public_keys);
    let admin_check = Data::new(admin_check(addresses.accounts.clone()));
    let metadata = Data::new(Metadata::new(url));
    move |config| {
        config
            .app_data(addresses.clone())
            .app_data(limits.clone())
            .app_data(public_keys.clone())
            .app_data(admin_check.clone())
            .app_data(metadata.clone())
            .service(web::resource("/auth/register").post(accounts::register))
            .service(web::resource("/auth/login").post(sessions::log_in))
            .service(web::resource("/auth/refresh").post(sessions::refresh))
            .service(web::resource("/auth/logout").post(sessions::log_out))
            .service(web::resource("/auth/password").post(sessions::change_password))
            .service(web::resource("/auth/sessions").get(sessions::list_sessions))
            .service(web::resource("/auth/sessions/{id}").delete(sessions::end_session))
            .service(web::resource("/oauth/token").post(oauth::issue_token))
            .service(web::resource("/oauth/revoke").post(oauth::revoke_token))
            .service(web::resource("/.well-known/oauth-authorization-server").get(metadata::show_metadata))
            .service(web::resource("/oauth/clients").get(clients::list_clients).post(clients::create_client))
            .service(web::resource("/oauth/clients/{id}").delete(clients::revoke_client))
            .service(web::resource("/oauth/clients/{id}/secret").post(clients::rotate_client_secret))
            .service(
                web::resource("/auth/user")
                    .get(accounts::show_own_account)
                    .patch(own_account::change_email)
                    .delete(own_account::delete_own_account),
            )
            .service(web::resource("/users").get(accounts::list_accounts))
            .service(
                web::resource("/users/{id}").patch(accounts::change_account).delete(accounts::delete_account),
            )
            .service(web::resource("/ops/keys").get(keys::list_keys).post(keys::rotate_key))
            .service(web::resource("/ops/keys/{kid}").delete(keys::retire_key))
            .service(web::resource("/.well-known/jwks.json").get(key_set::show_key_set))
            .configure(shop_document::routes);
    }
}
