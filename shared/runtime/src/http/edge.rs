//! Middleware: request id, trace, admission, deadline, panics, metrics, headers.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::{
    Admission, Problem, Readiness,
    audited::{Pending, record_refusal},
    compression::Coding,
    conditional::{self, Verdict},
    context::X_REQUEST_ID,
    cors::Cors,
    exchange::InHand,
    health::is_health_check,
    methods::{Asked, complete_allow},
    parameters,
    prefer::wanted_wait,
    problem::ProblemCode,
    request_record::RequestRecord,
    uncaught::{problem_in, problem_of, with_problem},
};
use crate::failpoint;

/// Of every answer; OWASP ASVS 5.0, V3.4 and V3.5. A page that needs more brings a policy of its own.
static HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
];

/// A year (OWASP ASVS 5.0, V3.4.1), as the shipped proxy. A client ignores it in an answer without TLS (RFC 6797), which therefore lacks it.
const HTTPS_ONLY: &str = "max-age=31536000; includeSubDomains";

/// In the extensions of a request that waited.
struct Waited;

/// Releases the admission of a long poll while it waits, whose time counts apart from now on.
pub fn release_admission(request: &HttpRequest) {
    let mut extensions = request.extensions_mut();
    extensions.remove::<OwnedSemaphorePermit>();
    extensions.insert(Waited);
}

/// Fails with [`DetachedProblem`] after a panic or timeout.
pub(super) async fn edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let in_hand = InHand::begin(&request);
    let record = RequestRecord::begin(&request);
    let cors = Cors::read(&request);
    let asked = Asked::read(&mut request);
    let is_encrypted = record.encrypted;
    request.extensions_mut().insert(record.context.clone());
    let act = Pending::begin(&request, &record);
    let wait = wanted_wait(request.request());
    let admitted = admit(&request).and_then(|deadline| {
        parameters::check(&request, &record.route)?;
        Ok(deadline + wait)
    });
    let outcome = match admitted {
        Ok(deadline) => answer(request, next, deadline, &record).await,
        Err(problem) => Ok(request.into_response(problem.answer(&record.context.request_id))),
    };
    match outcome {
        Ok(response) => {
            let mut response = asked.finish(negotiate(response, &record.context.request_id));
            let status = response.status();
            let code = if status.is_success() { None } else { problem_code(response.response()) };
            match act {
                Some(act) => act.end(status, code).await,
                None => record_refusal(response.request(), &record, status, code).await,
            }
            let waited = response.request().extensions().contains::<Waited>();
            response.request().extensions_mut().remove::<OwnedSemaphorePermit>();
            if ends_connection(response.status(), code) {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                in_hand.close();
            }
            // A kept connection would fail its next request.
            if response.request().app_data::<Data<Readiness>>().is_some_and(|readiness| readiness.is_ending())
            {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            set_headers(response.headers_mut(), &record.context.request_id, is_encrypted);
            cors.set_headers(response.headers_mut());
            record.finish(response.status(), waited);
            Ok(response)
        }
        Err(problem) => {
            if let Some(act) = act {
                act.end(problem.status(), Some(problem.code())).await;
            }
            record.finish(problem.status(), wait > Duration::ZERO);
            let request_id = record.context.request_id;
            Err(DetachedProblem { problem, request_id, is_encrypted, cors }.into())
        }
    }
}

/// Middleware for the server of the metrics: problems, headers and time limits alone.
pub(super) async fn plain_edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let _in_hand = InHand::begin(&request);
    let asked = Asked::read(&mut request);
    let answer = next.call(request).await;
    let request_id = Uuid::now_v7().to_string();
    answer.map(|mut response| {
        complete_allow(response.headers_mut());
        let mut response = asked.finish(match problem_in(&response) {
            None => response.map_into_boxed_body(),
            Some(problem) => with_problem(response, problem, &request_id),
        });
        set_headers(response.headers_mut(), &request_id, false);
        response
    })
}

/// The coding that the client takes, and nothing of what it has already.
fn negotiate(mut response: ServiceResponse<BoxBody>, request_id: &str) -> ServiceResponse<BoxBody> {
    let coding = Coding::choose(&mut response);
    match conditional::judge(&response) {
        Verdict::Send => coding.encode(response),
        Verdict::NotModified => conditional::not_modified(response),
        Verdict::Refused(problem) => response.into_response(problem.answer(request_id)),
    }
}

fn problem_code(response: &HttpResponse) -> Option<&'static str> {
    response.extensions().get::<ProblemCode>().map(|code| code.0)
}

/// A problem whose request is gone.
#[derive(Debug)]
struct DetachedProblem {
    problem: Problem,
    request_id: String,
    is_encrypted: bool,
    cors: Cors,
}

impl fmt::Display for DetachedProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for DetachedProblem {
    fn status_code(&self) -> StatusCode {
        self.problem.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.problem.clone().answer(&self.request_id);
        set_headers(response.headers_mut(), &self.request_id, self.is_encrypted);
        self.cors.set_headers(response.headers_mut());
        response
    }
}

/// The rest of the request may still come, and is not read.
fn ends_connection(status: StatusCode, code: Option<&str>) -> bool {
    let rest_may_come = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
    rest_may_come || code == Some("broken-body")
}

/// The request line and the header lines, without the white space around values. actix-http reads 128 KiB at most.
fn head_size(request: &ServiceRequest) -> usize {
    let authority = request.uri().authority().map_or(0, |authority| authority.as_str().len());
    let target = authority + request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + lines.sum::<usize>()
}

pub(super) fn head_too_large(limit: usize) -> Problem {
    let detail = format!("The head of a request may have {limit} bytes and 96 lines.");
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", detail)
}

/// Returns the time limit without a wait; health checks are always admitted.
fn admit(request: &ServiceRequest) -> Result<Duration, Problem> {
    let Some(admission) = request.app_data::<Data<Admission>>() else { return Err(Problem::internal()) };
    if head_size(request) > admission.head_limit {
        return Err(head_too_large(admission.head_limit));
    }
    if is_health_check(request.path()) {
        return Ok(admission.deadline);
    }
    let Ok(place) = Arc::clone(&admission.places).try_acquire_owned() else {
        admission.rejected.increment(1);
        return Err(Problem::unavailable(
            "overloaded",
            "The service is overloaded and did nothing. Retry after a moment.",
        ));
    };
    request.extensions_mut().insert(place);
    Ok(admission.deadline)
}

/// `Err`: the request is gone.
async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    deadline: Duration,
    record: &RequestRecord,
) -> Result<ServiceResponse<BoxBody>, Problem> {
    // `call` routes, and may panic too.
    let handled = AssertUnwindSafe(async {
        failpoint::pass("http.handler", &record.route);
        next.call(request).await
    })
    .catch_unwind();
    match tokio::time::timeout(deadline, handled).await {
        Ok(Ok(Ok(mut response))) => {
            complete_allow(response.headers_mut());
            Ok(match problem_in(&response) {
                None => response.map_into_boxed_body(),
                Some(problem) => with_problem(response, problem, &record.context.request_id),
            })
        }
        Ok(Ok(Err(error))) => Err(problem_of(&error)),
        Ok(Err(_panic)) => {
            let request_id = &record.context.request_id;
            tracing::error!(%request_id, path = record.uri.path(), "a handler panicked");
            Err(Problem::internal())
        }
        Err(_) => Err(Problem::unavailable(
            "deadline-exceeded",
            format!(
                "No answer within {deadline:?}. The request may have taken effect; repeat it with the same \
                 key."
            ),
        )),
    }
}

pub(super) fn set_headers(headers: &mut HeaderMap, request_id: &str, is_encrypted: bool) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID.clone(), id);
    }
    if is_encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    for (name, value) in &HEADERS {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
}

pub(super) async fn not_found(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        format!("There is no resource at {}; /docs lists all.", request.path()),
    ))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, http::Method, middleware::from_fn, test, web};

    use super::*;

    /// Returns status, `Retry-After` and body.
    async fn ask(method: Method, path: &str, places: usize) -> (u16, Option<String>, serde_json::Value) {
        let admission = Data::new(Admission::new("test", places, Duration::from_millis(50)));
        let app = App::new()
            .wrap(from_fn(edge))
            .app_data(admission)
            .service(web::resource("/well").get(async || HttpResponse::Ok().json(1)))
            .service(web::resource("/panics").get(async || -> HttpResponse { panic!("on purpose") }))
            .service(web::resource("/hangs").get(async || std::future::pending::<HttpResponse>().await))
            .service(
                web::resource("/refuses/{id}").get(async || Err::<HttpResponse, _>(Problem::absent("thing"))),
            )
            .default_service(web::to(not_found));
        let app = test::init_service(app).await;
        let request = test::TestRequest::with_uri(path)
            .method(method)
            .insert_header(("x-request-id", "r-1"))
            .to_request();
        let response = match test::try_call_service(&app, request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        assert_eq!(response.headers().get("x-request-id").unwrap(), "r-1", "{path}");
        for (name, value) in &HEADERS {
            assert_eq!(response.headers().get(name).unwrap(), value, "{path}");
        }
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_default();
        (status, retry_after, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[actix_web::test]
    async fn every_failure_is_a_problem_with_the_request_id() {
        let expected = [
            ("/panics", 500, "internal-error"),
            ("/hangs", 503, "deadline-exceeded"),
            ("/refuses/1", 404, "not-found"),
            ("/nowhere", 404, "not-found"),
        ];
        for (path, status, code) in expected {
            let (answered, _, problem) = ask(Method::GET, path, 8).await;
            assert_eq!(
                (answered, &problem["code"], &problem["request_id"]),
                (status, &code.into(), &"r-1".into()),
                "{path}"
            );
        }
        let (status, _, problem) = ask(Method::POST, "/well", 8).await;
        assert_eq!((status, &problem["code"]), (405, &"method-not-allowed".into()));
        assert_eq!(problem["detail"], "This path answers to GET, HEAD, OPTIONS only.");
        assert_eq!(ask(Method::GET, "/well", 8).await, (200, None, 1.into()));
    }

    #[actix_web::test]
    async fn an_answer_over_tls_binds_its_host_to_tls() {
        let mut headers = HeaderMap::new();
        set_headers(&mut headers, "r-1", false);
        assert!(!headers.contains_key("strict-transport-security"));
        set_headers(&mut headers, "r-1", true);
        assert_eq!(headers.get("strict-transport-security").unwrap(), HTTPS_ONLY);
    }

    #[actix_web::test]
    async fn a_full_service_refuses_with_retry_after() {
        let (status, retry_after, problem) = ask(Method::GET, "/well", 0).await;
        assert_eq!(
            (status, retry_after.as_deref(), &problem["code"]),
            (503, Some("1"), &"overloaded".into())
        );
    }
}
