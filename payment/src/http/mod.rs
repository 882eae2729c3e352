//! The REST API: routes, shapes, errors. Handlers message actors and nothing else.

mod openapi;
mod orders;
mod place;
mod shapes;

use actix_web::web::{self, Data, ServiceConfig};
use runtime::{
    http::{FieldError, Problem},
    supervisor::Supervised,
};

pub use openapi::document;

use crate::{
    actors::{Catalogue, ChargeBacklog, DeskError, Intake, OrderDesk},
    domain::Violation,
};

/// The actors the handlers message.
#[derive(Clone)]
pub struct Desks {
    pub orders: Supervised<OrderDesk>,
    pub catalogue: Supervised<Catalogue>,
    pub backlog: ChargeBacklog,
    pub intake: Intake,
}

/// Adds the service's routes.
pub fn routes(desks: Desks) -> impl Fn(&mut ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(Data::new(desks.clone()))
            .service(web::resource("/orders").post(place::place_order).get(orders::list))
            .service(web::resource("/orders/{id}").get(orders::show))
            .service(web::resource("/orders/{id}/timeline").get(orders::timeline));
    }
}

/// An actor's refusal as the client sees it.
fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Unavailable(why) => Problem::unavailable(
            "storage-unavailable",
            format!("{why}. An order may have been placed; ask again with the same Idempotency-Key."),
        ),
        DeskError::Refused(why) | DeskError::RefusedByProvider(why) => {
            tracing::error!(%why, "an order was refused by the database");
            Problem::internal()
        }
    }
}

fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::invalid(
        violations.into_iter().map(|violation| FieldError::new(violation.pointer, violation.rule)).collect(),
    )
}
