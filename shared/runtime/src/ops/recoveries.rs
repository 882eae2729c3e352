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
    get, operation_id = "listRecoveries", path = "/ops/recoveries", tag = "ops", params(PageQuery),
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "A page of the list.", body = Page<Recorded>)),
)]
pub(super) async fn list(_: Token<AdminOnly>, page: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after(|key| key.parse().ok())?;
    let found = recovery::newest(before, limit + 1);
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |recorded| recorded.id.to_string())))
}
