//! The REST API: requests become messages to the desk, answers become JSON.

mod body;
mod changes;
mod movements;
mod problems;
mod products;
mod stock;

use actix_web::web::{self, Data, ServiceConfig};
use runtime::{http::RequestContext, ops::OpsApi, supervisor::Supervised};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::actors::StockDesk;

/// The way to the desk, for handlers.
type Desk = Data<Supervised<StockDesk>>;

/// Adds the API to a server.
pub fn routes(desk: Supervised<StockDesk>) -> impl FnOnce(&mut ServiceConfig) {
    let desk = Data::new(desk);
    move |config| {
        config
            .app_data(desk)
            .service(web::resource("/products").get(products::list).post(products::create))
            .service(web::resource("/products/changes").get(changes::list)) // no SKU: those are upper case
            .service(
                web::resource("/products/{sku}")
                    .get(products::show)
                    .put(products::change)
                    .delete(products::remove),
            )
            .service(web::resource("/products/{sku}/stock").post(stock::adjust))
            .service(web::resource("/products/{sku}/movements").get(movements::list));
    }
}

/// The OpenAPI description of this service, operations included.
pub fn openapi() -> utoipa::openapi::OpenApi {
    InventoryApi::openapi().merge_from(OpsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orderflow inventory",
        description = "Products and stock. Prices are integer minor units. `available` is what an order placed now could get.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(products::list, changes::list, products::create, products::show, products::change, products::remove, stock::adjust, movements::list),
    modifiers(&Bearer)
)]
struct InventoryApi;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// What the events a request leads to carry of it.
fn origin(request: &actix_web::HttpRequest) -> events::Origin {
    RequestContext::of(request).origin()
}
