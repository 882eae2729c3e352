//! `GET /ops/audit`

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{actor::ListAudit, desk::Desk};
use crate::{
    audit::{Filter, Outcome, Position, StoredRecord},
    auth::{AdminOnly, Token},
    http::{Page, PageQuery, Problem, Query},
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/ops/audit").get(list));
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only acts of this account or service.
    actor: Option<String>,
    /// Only acts on this id, such as an account or a SKU.
    subject: Option<String>,
    /// Only this method and route, such as `PATCH /users/{id}`.
    action: Option<String>,
    outcome: Option<Outcome>,
    /// Only acts at this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only acts before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// The audit trail of this service, newest first: who did what to what, from where, when and with which outcome.
#[utoipa::path(
    get, operation_id = "list_audit", path = "/ops/audit", tag = "operations", params(PageQuery, AuditQuery),
    security(("bearer" = [])),
    responses((status = 200, body = Page<StoredRecord>), (status = 400, body = Problem)),
)]
pub(super) async fn list(
    _: Token<AdminOnly>,
    desk: Data<Desk>,
    page: Query<PageQuery>,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after(Position::parse)?;
    let AuditQuery { actor, subject, action, outcome, since, until } = query.into_inner();
    let filter = Filter { actor, subject, action, outcome, since, until };
    let found = desk.operations.send(ListAudit { filter, before, limit: limit + 1 }).await?;
    let found = found.map_err(|failure| Problem::database(&failure, "Retry after a moment."))?;
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |record| record.position().text())))
}
