use actix_web::{HttpResponse, web::Data};
use runtime::auth::Scope;
use serde_json::{Value, json};

/// The document of `/.well-known/oauth-authorization-server`.
pub(super) struct Metadata(Value);

impl Metadata {
    /// `url`: of this service for its clients, without a slash at the end.
    pub fn new(url: &str) -> Self {
        let authentication = ["client_secret_basic", "client_secret_post"];
        Self(json!({
            "issuer": url,
            "token_endpoint": format!("{url}/oauth/token"),
            "revocation_endpoint": format!("{url}/oauth/revoke"),
            "jwks_uri": format!("{url}/.well-known/jwks.json"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": Scope::ALL,
            "token_endpoint_auth_methods_supported": authentication,
            "revocation_endpoint_auth_methods_supported": authentication,
            "service_documentation": format!("{url}/docs/"),
        }))
    }
}

/// Describes the OAuth endpoints (RFC 8414). Public, and served without the database.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth",
    operation_id = "getServerMetadata",
    responses((status = 200, body = Object, description = "Authorization server metadata.")))]
pub(super) async fn show_metadata(metadata: Data<Metadata>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(&metadata.0)
}
