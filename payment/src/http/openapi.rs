use runtime::ops::OpsApi;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Orderflow payment", description = "Orders, charges, refunds. Errors are problem+json (RFC 9457)."),
    paths(super::place::place_order, super::orders::show, super::orders::list, super::orders::timeline),
    modifiers(&Bearer)
)]
struct PaymentApi;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
        );
        openapi.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The OpenAPI 3.1 document of this service, operations included.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = PaymentApi::openapi();
    document.merge(OpsApi::openapi());
    document
}
