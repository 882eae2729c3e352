use actix_web::web::{self, Data, ServiceConfig};

use super::{Addresses, changes, movements, products, stock};

pub fn routes(addresses: Addresses) -> impl Fn(&mut ServiceConfig) + Clone {
    let addresses = Data::new(addresses);
    move |config| {
        config
            .app_data(addresses.clone())
            .service(web::resource("/products").get(products::list).post(products::create))
            .service(web::resource("/products/changes").get(changes::list)) // SKUs are upper case
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
