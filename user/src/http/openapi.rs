use runtime::ops::OpsApi;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{accounts, key_set, service_token, sessions};

#[derive(OpenApi)]
#[openapi(
    info(title = "Orderflow user", description = "Accounts, roles and tokens. Every error is application/problem+json.", license(name = "MIT OR Apache-2.0")),
    paths(
        accounts::register,
        sessions::log_in,
        accounts::show_own_account,
        service_token::issue_service_token,
        key_set::show_key_set,
        accounts::list_accounts,
        accounts::change_role
    ),
    modifiers(&Bearer)
)]
struct UserApi;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The description of this service: its own calls and the operations.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = UserApi::openapi();
    api.merge(OpsApi::openapi());
    api
}
