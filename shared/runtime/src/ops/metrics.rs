//! `GET /ops/metrics`

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};

use crate::{
    auth::{AdminOnly, Token},
    telemetry,
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/ops/metrics").get(show));
}

/// The metrics of this process in the text format of Prometheus, as its metrics port shows them.
#[utoipa::path(
    get, operation_id = "showMetrics", path = "/ops/metrics", tag = "ops",
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")),
)]
pub(super) async fn show(_: Token<AdminOnly>) -> HttpResponse {
    HttpResponse::Ok().content_type(telemetry::EXPOSITION).body(telemetry::install_metrics().render())
}
