use utoipa::OpenApi;

use super::{accounts, key_set, service_token, sessions};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orderflow user",
        description = "Accounts, roles and tokens. Every error is application/problem+json.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        accounts::register,
        sessions::log_in,
        sessions::refresh,
        sessions::log_out,
        sessions::change_password,
        sessions::list_sessions,
        sessions::end_session,
        accounts::show_own_account,
        service_token::issue_service_token,
        key_set::show_key_set,
        accounts::list_accounts,
        accounts::change_account
    )
)]
struct UserApi;

/// Describes the service's own routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    UserApi::openapi()
}
