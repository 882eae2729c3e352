use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(title = "Orderflow payment", description = "Orders, charges, refunds."),
    paths(
        super::place::place_order,
        super::orders::show,
        super::orders::list,
        super::orders::timeline,
        super::transitions::follow
    )
)]
struct PaymentApi;

pub fn openapi() -> utoipa::openapi::OpenApi {
    PaymentApi::openapi()
}
