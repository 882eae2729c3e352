use actix_web::web::{self, Data, ServiceConfig};

use super::{Addresses, orders, place, transitions};

pub fn routes(addresses: Addresses) -> impl Fn(&mut ServiceConfig) + Clone {
    let addresses = Data::new(addresses);
    move |config| {
        config
            .app_data(addresses.clone())
            .service(web::resource("/orders").post(place::place_order).get(orders::list))
            .service(web::resource("/orders/{id}").get(orders::show))
            .service(web::resource("/orders/{id}/timeline").get(orders::timeline))
            .service(web::resource("/orders/{id}/events").get(transitions::follow));
    }
}
