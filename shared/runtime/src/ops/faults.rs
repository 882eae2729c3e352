//! Fault injection for rehearsals (setting `faults`).

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, ServiceConfig},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    actor::{LoseStreams, PanicConsumer},
    desk::Desk,
};
use crate::{
    auth::{AdminOnly, Token},
    failpoint::{self, Action, Armed, NotBuiltIn, Passed},
    http::{AuditNotes, FieldError, JsonBody, Problem},
    outbox::publishes,
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/ops/faults").get(show).post(inject).delete(disarm));
}

impl Desk {
    fn faults_are_on(&self) -> Result<(), Problem> {
        if self.faults {
            return Ok(());
        }
        let way_out = "Faults are disabled here. For a rehearsal start the service with faults=on \
             (FAULTS=on); never in production.";
        Err(Problem::new(StatusCode::FORBIDDEN, "faults-disabled", way_out))
    }
}

impl From<NotBuiltIn> for Problem {
    fn from(error: NotBuiltIn) -> Self {
        Problem::new(StatusCode::CONFLICT, "no-failpoints", error.to_string())
    }
}

/// Either `panic` and `stream`, or `lose`, or `failpoint` with `nth` and `action`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// The part that panics: a `consumer`, while it holds its next batch.
    panic: Option<Panics>,
    /// The stream of the consumer.
    stream: Option<String>,
    /// What Redis loses: the `streams` that the service publishes to. It happens before the answer.
    lose: Option<Loses>,
    /// The name of a failpoint.
    failpoint: Option<String>,
    /// The passage at which it fires, counted from now (1).
    nth: Option<u32>,
    /// The action there (`kill`).
    action: Option<Action>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = FaultyPart)]
enum Panics {
    Consumer,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LostPart)]
enum Loses {
    Streams,
}

enum Wanted {
    PanicOfConsumer(String),
    LossOfStreams,
    Failpoint(Armed),
}

impl Fault {
    fn read(self) -> Result<Wanted, Problem> {
        let wrong = |pointer, reason| Err(Problem::invalid(vec![FieldError::new(pointer, reason)]));
        match (self.panic, self.stream, self.lose, self.failpoint) {
            (Some(Panics::Consumer), Some(stream), None, None) => Ok(Wanted::PanicOfConsumer(stream)),
            (Some(Panics::Consumer), None, None, None) => wrong("/stream", "name the stream of the consumer"),
            (None, None, Some(Loses::Streams), None) => Ok(Wanted::LossOfStreams),
            (None, None, None, Some(name)) => match self.nth {
                Some(0) => wrong("/nth", "must be at least 1"),
                nth => Ok(Wanted::Failpoint(Armed {
                    name,
                    nth: nth.unwrap_or(1),
                    action: self.action.unwrap_or(Action::Kill),
                })),
            },
            _ => wrong("", "give either `panic` and `stream`, or `lose`, or `failpoint`"),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Faults {
    /// Failpoints that this process has passed.
    failpoints: Vec<Passed>,
    armed: Vec<Armed>,
}

/// Shows failpoints, and which of them are armed.
#[utoipa::path(
    get, operation_id = "showFaults", path = "/ops/faults", tag = "ops",
    security(("bearer" = ["ADMIN"])), responses(
        (status = 200, description = "The failpoints.", body = Faults),
        (status = 403, description = "faults-disabled"),
    ),
)]
pub(super) async fn show(_: Token<AdminOnly>, desk: Data<Desk>) -> Result<HttpResponse, Problem> {
    desk.faults_are_on()?;
    let (failpoints, armed) = failpoint::report();
    Ok(HttpResponse::Ok().json(Faults { failpoints, armed }))
}

/// Injects a fault. It happens some time after the answer.
#[utoipa::path(
    post, operation_id = "injectFault", path = "/ops/faults", tag = "ops", request_body = Fault,
    security(("bearer" = ["ADMIN"])),
    responses(
        (status = 202, description = "The fault is armed."),
        (status = 403, description = "faults-disabled"),
        (status = 404),
        (status = 409, description = "no-failpoints, refused-by-redis"),
    ),
)]
pub(super) async fn inject(
    _: Token<AdminOnly>,
    desk: Data<Desk>,
    notes: AuditNotes,
    body: JsonBody<Fault>,
) -> Result<HttpResponse, Problem> {
    desk.faults_are_on()?;
    match body.value.read()? {
        Wanted::PanicOfConsumer(stream) => {
            notes.detail("panic", "consumer");
            notes.subject(&stream);
            desk.operations.send(PanicConsumer(stream)).await??;
        }
        Wanted::LossOfStreams => {
            if !publishes(desk.service) {
                return Err(Problem::absent("stream"));
            }
            notes.detail("lose", "streams");
            desk.operations.send(LoseStreams(desk.service)).await??;
        }
        Wanted::Failpoint(armed) => {
            notes.subject(&armed);
            failpoint::arm(armed)?;
        }
    }
    Ok(HttpResponse::Accepted().finish())
}

/// Disarms all failpoints.
#[utoipa::path(
    delete, operation_id = "disarmFaults", path = "/ops/faults", tag = "ops",
    security(("bearer" = ["ADMIN"])), responses(
        (status = 204, description = "All are disarmed."),
        (status = 403, description = "faults-disabled"),
    ),
)]
pub(super) async fn disarm(_: Token<AdminOnly>, desk: Data<Desk>) -> Result<HttpResponse, Problem> {
    desk.faults_are_on()?;
    failpoint::disarm_all();
    Ok(HttpResponse::NoContent().finish())
}
