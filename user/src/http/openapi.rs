use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{accounts, clients, key_set, keys, metadata, oauth, own_account, sessions};

#[derive(OpenApi)]
#[openapi(
    info(title = "Orderflow user", description = "Accounts, roles and tokens."),
    paths(
        accounts::register,
        sessions::log_in,
        sessions::refresh,
        sessions::log_out,
        sessions::change_password,
        sessions::list_sessions,
        sessions::end_session,
        accounts::show_own_account,
        own_account::change_email,
        own_account::delete_own_account,
        oauth::issue_token,
        oauth::revoke_token,
        metadata::show_metadata,
        clients::list_clients,
        clients::create_client,
        clients::rotate_client_secret,
        clients::revoke_client,
        key_set::show_key_set,
        accounts::list_accounts,
        accounts::change_account,
        accounts::delete_account,
        keys::list_keys,
        keys::rotate_key,
        keys::retire_key
    )
)]
struct UserApi;

/// Describes the service's own routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = UserApi::openapi();
    let client = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("id and secret of an OAuth client"))
        .build();
    api.components.get_or_insert_default().add_security_scheme("client", SecurityScheme::Http(client));
    api
}
