//! `GET /ops/recoveries`

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};

use crate::{
    auth::{AdminOnly, Token},
    http::{Page, PageQuery, Problem, Query},
    recovery::{self, Recorded},
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/ops/recoveries").get(list));
}

/// The last thousand recoveries of this process, newest first: what ended or was lost, and what goes on.
#[utoipa::path(
    get, operation_id = "list_recoveries", path = "/ops/recoveries", tag = "operations", params(PageQuery),
    security(("bearer" = [])),
    responses((status = 200, body = Page<Recorded>), (status = 400, body = Problem)),
)]
pub(super) async fn list(_: Token<AdminOnly>, page: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after(|key| key.parse().ok())?;
    let found = recovery::newest(before, limit + 1);
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |recorded| recorded.id.to_string())))
}
