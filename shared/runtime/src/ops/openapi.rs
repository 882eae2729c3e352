use utoipa::{
    OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::OpsApi;

/// Merges `own` with the operations and the bearer token.
#[must_use]
pub fn describe(mut own: openapi::OpenApi) -> openapi::OpenApi {
    own.merge(OpsApi::openapi());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = own.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    own
}
