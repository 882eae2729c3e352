//! Every error is `application/problem+json` (RFC 9457).

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// When to come back after a 503, unless the service knows better: a restart of PostgreSQL takes about this
/// long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An error as the client sees it. Boxed, so that a handler's `Result` is not as large as its rarest answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct Members {
    /// Names the kind of problem: `https://orderflow.dev/problems/` and the code.
    #[serde(rename = "type")]
    #[schema(example = "https://orderflow.dev/problems/unknown-product")]
    kind: String,
    #[schema(example = "Not Found")]
    title: String,
    #[schema(example = 404)]
    status: u16,
    /// What happened, and the way out.
    detail: String,
    /// Stable, for programs.
    #[schema(example = "unknown-product")]
    code: &'static str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    request_id: String,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or the name of a header or parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// The rule it breaks.
    #[schema(example = "must be between 1 and 1000")]
    pub reason: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Members {
            kind: format!("https://orderflow.dev/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            request_id: String::new(),
            retry_after: None,
        }))
    }

    /// 400: the request breaks the rules named in `errors`.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body {}.", one.reason),
            [one] => format!("{}: {}", one.pointer, one.reason),
            many => format!("{} fields cannot be used; see errors.", many.len()),
        };
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail).with_errors(errors)
    }

    /// 404, for an absent thing and for somebody else's alike.
    pub fn absent(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("There is no such {what}."))
    }

    /// 500: a defect. The detail stays in the log, under the request id.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "This is a defect on our side; the request id finds it in the log.",
        )
    }

    /// 503: not now. What was asked may have happened; a retry with the same Idempotency-Key is safe.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER)
    }

    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The answer, with the id the client can quote.
    pub(super) fn answer(mut self, request_id: &str) -> HttpResponse {
        request_id.clone_into(&mut self.0.request_id);
        let mut response = HttpResponse::build(self.status());
        response.content_type("application/problem+json");
        if let Some(pause) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, pause.as_secs().max(1)));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.body(serde_json::to_vec(&self).unwrap_or_default())
    }
}

/// The schema of the members: the box is ours, not the wire's.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Members::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Problem")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Members::schemas(schemas);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status, self.0.code, self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.clone().answer("")
    }
}
