use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orderflow payment",
        description = "Orders, charges, refunds. Errors are problem+json (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(super::place::place_order, super::orders::show, super::orders::list, super::orders::timeline)
)]
struct PaymentApi;

pub fn openapi() -> utoipa::openapi::OpenApi {
    PaymentApi::openapi()
}
