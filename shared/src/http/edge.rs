//! What every request passes on its way in and out: request id, trace, admission, deadline, panic, metrics, headers.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::Problem;
use crate::telemetry::TraceContext;

/// On top of the longest wait a client may ask for (30 s): a long poll is not a stuck request.
const LONG_POLL: Duration = Duration::from_secs(30);

/// How many requests are in progress at most.
#[derive(Debug, Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
    deadline: Duration,
    service: &'static str,
}

impl Admission {
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), deadline, service }
    }
}

/// Who asked, for logs and for the events this request leads to.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub request_id: String,
    pub trace: TraceContext,
}

impl RequestContext {
    /// The context of a request that came through the edge.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::read(request.headers()))
    }

    fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text("x-request-id").filter(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()));
        Self {
            request_id: given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
            trace: TraceContext::continue_from(text("traceparent")),
        }
    }
}

/// Gives the request's place back while it only waits: long polls must not keep others out.
pub fn release_admission(request: &HttpRequest) {
    request.extensions_mut().remove::<OwnedSemaphorePermit>();
}

/// The middleware.
pub(super) async fn edge<B: MessageBody + 'static>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let context = RequestContext::read(request.headers());
    request.extensions_mut().insert(context.clone());
    let http_request = request.request().clone();
    let response = match admit(&request) {
        Ok(deadline) => answer(request, next, deadline, &context).await,
        Err(problem) => ServiceResponse::new(http_request.clone(), problem.answer(&context.request_id)),
    };
    http_request.extensions_mut().remove::<OwnedSemaphorePermit>();
    let mut response = response;
    finish(response.headers_mut(), &context.request_id);
    record(&response, started.elapsed(), &context);
    Ok(response)
}

/// Takes a place and tells how long the request may take; health checks need no place.
fn admit(request: &ServiceRequest) -> Result<Duration, Problem> {
    let Some(admission) = request.app_data::<Data<Admission>>() else { return Err(Problem::internal()) };
    if matches!(request.path(), "/livez" | "/readyz" | "/health") {
        return Ok(admission.deadline);
    }
    let Ok(place) = Arc::clone(&admission.places).try_acquire_owned() else {
        metrics::counter!("orderflow_admission_rejected_total", "service" => admission.service).increment(1);
        return Err(Problem::unavailable("overloaded", "The service is full; nothing was done. Try again after a moment."));
    };
    request.extensions_mut().insert(place);
    let waits = request.query_string().contains("wait=") || request.headers().contains_key("prefer");
    Ok(if waits { admission.deadline + LONG_POLL } else { admission.deadline })
}

async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    deadline: Duration,
    context: &RequestContext,
) -> ServiceResponse<BoxBody> {
    let http_request = request.request().clone();
    let handled = tokio::time::timeout(deadline, AssertUnwindSafe(next.call(request)).catch_unwind()).await;
    let problem = match handled {
        Ok(Ok(Ok(response))) => match problem_in(&response) {
            None => return response.map_into_boxed_body(),
            Some(problem) => problem,
        },
        Ok(Ok(Err(error))) => problem_of(&error),
        Ok(Err(_panic)) => {
            tracing::error!(request_id = %context.request_id, path = %http_request.path(), "a handler panicked");
            Problem::internal()
        }
        Err(_) => Problem::unavailable(
            "deadline-exceeded",
            format!("No answer within {deadline:?}. What was asked may have happened; ask again with the same key."),
        ),
    };
    ServiceResponse::new(http_request, problem.answer(&context.request_id))
}

/// The problem an unsuccessful response stands for: ours, or one made of the status of an answer that is none.
fn problem_in<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.response().error() {
        Some(error) => Some(problem_of(error)),
        None if response.headers().contains_key("content-type") => None, // it has a body of its own, as /readyz
        None => Some(generic(status)),
    }
}

fn problem_of(error: &Error) -> Problem {
    match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => {
            let status = error.as_response_error().status_code();
            if status.is_server_error() { generic(status) } else { Problem::new(status, code_of(status), error.to_string()) }
        }
    }
}

fn generic(status: StatusCode) -> Problem {
    Problem::new(status, code_of(status), status.canonical_reason().unwrap_or("The request failed").to_owned())
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        status if status.is_client_error() => "invalid-request",
        _ => "internal-error",
    }
}

fn finish(headers: &mut HeaderMap, request_id: &str) {
    let mut set = |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        set("x-request-id", id);
    }
    set("x-content-type-options", HeaderValue::from_static("nosniff"));
    set("x-frame-options", HeaderValue::from_static("DENY"));
    set("referrer-policy", HeaderValue::from_static("no-referrer"));
    if !headers.contains_key("cache-control") {
        headers.insert(HeaderName::from_static("cache-control"), HeaderValue::from_static("no-store"));
    }
}

fn record(response: &ServiceResponse, elapsed: Duration, context: &RequestContext) {
    let request = response.request();
    let service = request.app_data::<Data<Admission>>().map_or("", |admission| admission.service);
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (method, status) = (request.method().to_string(), response.status());
    metrics::histogram!("orderflow_http_request_duration_seconds", "service" => service, "route" => route, "method" => method, "status" => status.as_str().to_owned())
        .record(elapsed);
    if status.is_server_error() {
        tracing::warn!(request_id = %context.request_id, trace_id = %context.trace.trace_id(), method = %request.method(), path = request.path(), status = status.as_u16(), ?elapsed, "request failed");
    } else {
        tracing::debug!(request_id = %context.request_id, trace_id = %context.trace.trace_id(), method = %request.method(), path = request.path(), status = status.as_u16(), ?elapsed, "request");
    }
}

/// A path that leads nowhere. (A wrong method on one that does is answered 405 by actix-web, and made a problem above.)
pub(super) async fn not_found(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::new(StatusCode::NOT_FOUND, "not-found", format!("There is nothing at {}; /docs shows what there is.", request.path())))
}
