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
    http::{FieldError, Page, PageQuery, Problem, Query},
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
    #[serde(default, deserialize_with = "crate::http::time")]
    since: Option<Timestamp>,
    /// Only acts before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "crate::http::time")]
    until: Option<Timestamp>,
}

/// The audit trail of this service, newest first: who did what to what, from where, when and with which outcome.
#[utoipa::path(
    get, operation_id = "listAudit", path = "/ops/audit", tag = "ops", params(PageQuery, AuditQuery),
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "A page of the trail.", body = Page<StoredRecord>)),
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
    refuse_unstorable([("actor", &actor), ("subject", &subject), ("action", &action)], [since, until])?;
    let filter = Filter { actor, subject, action, outcome, since, until };
    let found = desk.operations.send(ListAudit { filter, before, limit: limit + 1 }).await?;
    let found = found.map_err(|failure| Problem::database(&failure, "Retry after a moment."))?;
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |record| record.position().text())))
}

/// PostgreSQL takes neither the character U+0000 nor the earliest years. No record is older than Orderflow.
fn refuse_unstorable(
    texts: [(&str, &Option<String>); 3],
    times: [Option<Timestamp>; 2],
) -> Result<(), Problem> {
    let texts = texts.into_iter().filter(|(_, text)| text.iter().any(|text| text.contains(char::is_control)));
    let mut errors: Vec<FieldError> =
        texts.map(|(name, _)| FieldError::new(name, "must hold no control characters")).collect();
    let times = ["since", "until"].into_iter().zip(times);
    let early = times.filter(|(_, time)| time.is_some_and(|time| time < Timestamp::UNIX_EPOCH));
    errors.extend(early.map(|(name, _)| FieldError::new(name, "must be 1970-01-01T00:00:00Z or later")));
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
