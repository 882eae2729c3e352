use utoipa::OpenApi;

use super::{changes, movements, products, stock};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orderflow inventory",
        description = "Products and stock. Prices are integer minor units. `available` is the quantity that \
                       an order placed now can get."
    ),
    paths(
        products::list,
        changes::list,
        products::create,
        products::show,
        products::change,
        products::remove,
        stock::adjust,
        movements::list
    )
)]
struct InventoryApi;

pub fn openapi() -> utoipa::openapi::OpenApi {
    InventoryApi::openapi()
}
