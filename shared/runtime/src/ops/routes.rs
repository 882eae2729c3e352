use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, Path, ServiceConfig},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    Operations,
    actor::{
        Discard, GetDeadLetter, ListDeadLetters, OpsError, Redrive, RedriveAll, ShowOutbox, ShowStreams,
    },
    audit,
    desk::Desk,
    faults, metrics, recoveries,
};
use crate::{
    auth::{AdminOnly, Token},
    http::{AuditNotes, FieldError, JsonBody, Page, PageQuery, Problem, Query},
    outbox::OutboxDepth,
    stream::{DeadLetter, DeadLetterFilter, Redriven, StreamOverview},
    supervisor::{Roster, Supervised, Unavailable},
};

/// Adds `/ops/*`; `faults` lets an ADMIN inject faults.
pub fn routes(
    service: &'static str,
    operations: &Supervised<Operations>,
    roster: &Roster,
    faults: bool,
) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    count(service, 0); // shows 0
    let operations = operations.clone();
    let roster = roster.clone();
    let desk = Data::new(Desk { service, operations, roster, faults });
    move |config| {
        config
            .app_data(desk.clone())
            .configure(faults::routes)
            .configure(audit::routes)
            .configure(recoveries::routes)
            .configure(metrics::routes)
            .service(web::resource("/ops/streams").get(streams))
            .service(web::resource("/ops/actors").get(actors))
            .service(web::resource("/ops/outbox").get(outbox))
            .service(web::resource("/ops/dead-letters").get(list))
            .service(web::resource("/ops/dead-letters/redrive").post(redrive_all))
            .service(web::resource("/ops/dead-letters/{id}").get(show).delete(discard))
            .service(web::resource("/ops/dead-letters/{id}/redrive").post(redrive));
    }
}

/// The OpenAPI description of `/ops/*`.
#[derive(OpenApi)]
#[openapi(paths(
    streams,
    actors,
    outbox,
    list,
    show,
    redrive,
    redrive_all,
    discard,
    audit::list,
    recoveries::list,
    metrics::show,
    faults::show,
    faults::inject,
    faults::disarm
))]
pub struct OpsApi;

impl From<OpsError> for Problem {
    fn from(error: OpsError) -> Self {
        match error {
            OpsError::Absent => Problem::absent("dead letter"),
            OpsError::UnknownStream(_) => {
                Problem::invalid(vec![FieldError::new("stream", error.to_string())])
            }
            OpsError::Unavailable(why) => {
                tracing::warn!(%why, "a request is answered 503");
                let detail = "Redis or the database is not available. The operation had no effect. Retry after a moment.";
                Problem::unavailable("backend-unavailable", detail)
            }
            OpsError::Refused(why) => {
                tracing::warn!(%why, "a request is answered 409");
                let detail = "Redis refused the operation; the log has its words under the request id. It had no \
                              effect, and a retry cannot help; a dead letter can be discarded.";
                Problem::new(StatusCode::CONFLICT, "refused-by-redis", detail)
            }
        }
    }
}

/// As lists show it: the stream of dead letters and the id of an entry.
fn dead_letter_id(key: &str) -> Option<String> {
    let (_, entry) = key.split_once(".dead~")?;
    let (time, number) = entry.split_once('-')?;
    let is_entry = time.parse::<u64>().is_ok() && number.parse::<u64>().is_ok();
    is_entry.then(|| key.to_owned())
}

impl From<Unavailable> for Problem {
    fn from(_: Unavailable) -> Self {
        Problem::unavailable(
            "actor-restarting",
            "A part of the service is being replaced. Retry after a moment.",
        )
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = StreamList)]
struct Streams {
    service: &'static str,
    streams: Vec<StreamOverview>,
}

/// The streams that this service consumes, as its consumer group sees them.
#[utoipa::path(
    get, operation_id = "showStreams", path = "/ops/streams", tag = "ops",
    security(("bearer" = ["ADMIN"])), responses((status = 200, description = "One row a stream.", body = Streams)),
)]
async fn streams(_: Token<AdminOnly>, desk: Data<Desk>) -> Result<HttpResponse, Problem> {
    let streams = desk.operations.send(ShowStreams).await??;
    Ok(HttpResponse::Ok().json(Streams { service: desk.service, streams }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = ActorList)]
struct Actors {
    actors: Vec<ActorOverview>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ActorState)]
struct ActorOverview {
    kind: &'static str,
    name: String,
    /// `starting`, `running`, `waiting` (between two lives) or `ended`.
    state: String,
    restarts: u32,
    #[schema(required)]
    last_exit: Option<String>,
    queue_depth: i64,
}

/// The supervised actors of this process.
#[utoipa::path(
    get, operation_id = "showActors", path = "/ops/actors", tag = "ops",
    security(("bearer" = ["ADMIN"])), responses((status = 200, description = "One row an actor.", body = Actors)),
)]
async fn actors(_: Token<AdminOnly>, desk: Data<Desk>) -> HttpResponse {
    let overview = |child: &std::sync::Arc<crate::supervisor::ChildStatus>| ActorOverview {
        kind: child.kind,
        name: child.name.clone(),
        state: format!("{:?}", child.state()).to_lowercase(),
        restarts: child.restarts(),
        last_exit: child.last_exit().map(|reason| reason.to_string()),
        queue_depth: child.queue_depth(),
    };
    HttpResponse::Ok().json(Actors { actors: desk.roster.children().iter().map(overview).collect() })
}

/// The depth of the outbox.
#[utoipa::path(
    get, operation_id = "showOutbox", path = "/ops/outbox", tag = "ops",
    security(("bearer" = ["ADMIN"])), responses((status = 200, description = "The depth.", body = OutboxDepth)),
)]
async fn outbox(_: Token<AdminOnly>, desk: Data<Desk>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(desk.operations.send(ShowOutbox).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeadLetterQuery {
    /// Only dead letters of this stream.
    stream: Option<String>,
    /// Rows to answer with.
    #[param(default = 20, minimum = 1, maximum = 100)]
    #[serde(default, deserialize_with = "crate::http::number::<1, 100, _, _>")]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Dead letters, oldest first within a stream.
#[utoipa::path(
    get, operation_id = "listDeadLetters", path = "/ops/dead-letters", tag = "ops",
    params(DeadLetterQuery), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "A page of dead letters.", body = Page<DeadLetter>),
        (status = 404),
        (status = 503, description = "backend-unavailable"),
    ),
)]
async fn list(
    _: Token<AdminOnly>,
    desk: Data<Desk>,
    query: Query<DeadLetterQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let found = desk
        .operations
        .send(ListDeadLetters { stream: query.stream, after: page.after(dead_letter_id)?, limit: limit + 1 })
        .await??;
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |letter| letter.id.clone())))
}

/// One dead letter.
#[utoipa::path(
    get, operation_id = "showDeadLetter", path = "/ops/dead-letters/{id}", tag = "ops",
    params(("id" = String, Path, description = "As lists show it.")), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "The dead letter.", body = DeadLetter),
        (status = 404),
        (status = 503, description = "backend-unavailable"),
    ),
)]
async fn show(_: Token<AdminOnly>, desk: Data<Desk>, id: Path<String>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(desk.operations.send(GetDeadLetter(id.into_inner())).await??))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RedrivenDeadLetter)]
struct RedrivenOne {
    redriven: usize,
}

/// Redrives one dead letter to the group that failed, with the same event id.
#[utoipa::path(
    post, operation_id = "redriveDeadLetter", path = "/ops/dead-letters/{id}/redrive",
    tag = "ops", params(("id" = String, Path, description = "As lists show it.")), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "It is back in the stream.", body = RedrivenOne),
        (status = 404),
        (status = 409, description = "refused-by-redis"),
        (status = 503, description = "backend-unavailable"),
    ),
)]
async fn redrive(_: Token<AdminOnly>, desk: Data<Desk>, id: Path<String>) -> Result<HttpResponse, Problem> {
    desk.operations.send(Redrive(id.into_inner())).await??;
    count(desk.service, 1);
    Ok(HttpResponse::Ok().json(RedrivenOne { redriven: 1 }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterRedrive)]
struct RedriveBody {
    stream: String,
    #[serde(default)]
    filter: FilterBody,
    /// Only count the matches.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterFilter)]
struct FilterBody {
    #[serde(rename = "type")]
    event_type: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RedrivenDeadLetters)]
struct RedrivenAll {
    matched: usize,
    redriven: usize,
    /// Refused by Redis; these stay dead letters.
    refused: usize,
}

/// Redrives every dead letter of a stream that matches.
#[utoipa::path(
    post, operation_id = "redriveDeadLetters", path = "/ops/dead-letters/redrive", tag = "ops",
    request_body = RedriveBody, security(("bearer" = ["ADMIN"])), responses(
        (status = 200, description = "The counts.", body = RedrivenAll),
        (status = 409, description = "refused-by-redis"),
        (status = 503, description = "backend-unavailable"),
    ),
)]
async fn redrive_all(
    _: Token<AdminOnly>,
    desk: Data<Desk>,
    notes: AuditNotes,
    body: JsonBody<RedriveBody>,
) -> Result<HttpResponse, Problem> {
    let RedriveBody { stream, filter, dry_run } = body.value;
    let filter = DeadLetterFilter { event_type: filter.event_type, reason: filter.reason };
    let Redriven { matched, redriven, refused } =
        desk.operations.send(RedriveAll { stream: stream.clone(), filter, dry_run }).await??;
    count(desk.service, redriven);
    notes.subject(stream);
    notes.detail("dry_run", dry_run);
    for (name, count) in [("matched", matched), ("redriven", redriven), ("refused", refused)] {
        notes.detail(name, count);
    }
    Ok(HttpResponse::Ok().json(RedrivenAll { matched, redriven, refused }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterDiscard)]
struct DiscardBody {
    /// The reason, for the audit trail.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    reason: String,
}

/// Deletes one dead letter for good.
#[utoipa::path(
    delete, operation_id = "discardDeadLetter", path = "/ops/dead-letters/{id}", tag = "ops",
    params(("id" = String, Path, description = "As lists show it.")), request_body = DiscardBody, security(("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404),
        (status = 409, description = "refused-by-redis"),
        (status = 503, description = "backend-unavailable"),
    ),
)]
async fn discard(
    _: Token<AdminOnly>,
    desk: Data<Desk>,
    notes: AuditNotes,
    id: Path<String>,
    body: JsonBody<DiscardBody>,
) -> Result<HttpResponse, Problem> {
    let reason = body.value.reason;
    if reason.trim().is_empty() || reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        let rule = "must have 1 to 500 characters, not all of them blank, and no control characters";
        return Err(Problem::invalid(vec![FieldError::new("/reason", rule)]));
    }
    notes.detail("reason", reason);
    desk.operations.send(Discard(id.into_inner())).await??;
    Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
}

fn count(service: &'static str, redriven: usize) {
    ::metrics::counter!("orderflow_dead_letters_redriven_total", "service" => service)
        .increment(redriven as u64);
}
