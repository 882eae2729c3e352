//! Errors as `application/problem+json` (RFC 9457).

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::Code;
use crate::{
    db::Failure,
    limits::{Policy, TooMany},
};

/// About a restart of PostgreSQL.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The code of a problem, in the extensions of its answer.
pub(super) struct ProblemCode(pub &'static str);

/// An error for the client. Boxed, to keep `Result` small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct Members {
    /// The page of the code, relative to the address of the call (RFC 9457, 3.1.1).
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The event, and the way out.
    detail: String,
    #[schema(value_type = Code)]
    code: &'static str,
    /// The mistakes, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The id of the request in all logs.
    request_id: String,
    /// Extension members (RFC 9457, 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    #[serde(skip)]
    limit: Option<Policy>,
    #[serde(skip)]
    challenge: Option<Cow<'static, str>>,
    #[serde(skip)]
    header: Option<(HeaderName, &'static str)>,
}

/// A mistake in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or the name of a header or parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// The rule it breaks.
    #[schema(example = "must be a whole number from 1 to 1000")]
    pub reason: String,
}

impl FieldError {
    /// A mistake at `pointer`.
    pub fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

impl Problem {
    /// A problem with a code of [`CODES`](super::CODES); `detail` is for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(Code::find(code).is_some(), "CODES lacks {code}");
        Self(Box::new(Members {
            kind: Code::uri_of(code),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            request_id: String::new(),
            members: Map::new(),
            retry_after: None,
            limit: None,
            challenge: None,
            header: None,
        }))
    }

    /// 400: broken rules, field by field.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body {}.", one.reason),
            [one] => format!("{}: {}", one.pointer, one.reason),
            many => format!("{} fields are wrong; see errors.", many.len()),
        };
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail).with_errors(errors)
    }

    /// 404: absent, or of another user.
    pub fn absent(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("There is no such {what}."))
    }

    /// 500: a defect, whose cause is in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "This is a defect of the service; the log has the cause under the request id.",
        )
    }

    /// 503: a retry may help. The request may have taken effect.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER)
    }

    /// 503 or 500 for a request that got no result from the database. `way_out` completes the text of the 503.
    pub fn database(failure: &Failure, way_out: &str) -> Self {
        match failure {
            Failure::Unavailable(why) => {
                tracing::warn!(%why, "a request is answered 503");
                let detail = format!("The database is not available. {way_out}");
                Self::unavailable("database-unavailable", detail)
            }
            Failure::Refused(error) => {
                tracing::error!(%error, "a request is answered 500");
                Self::internal()
            }
        }
    }

    /// Sets `Retry-After`: whole seconds, at least 1.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// Sets `RateLimit-Policy`, and with [`retry_after`](Self::retry_after) `RateLimit`, of
    /// draft-ietf-httpapi-ratelimit-headers-10.
    #[must_use]
    pub fn limited_by(mut self, policy: Policy) -> Self {
        self.0.limit = Some(policy);
        self
    }

    /// Sets `WWW-Authenticate`. A 401 has `Bearer` by default.
    #[must_use]
    pub fn challenge(mut self, challenge: impl Into<Cow<'static, str>>) -> Self {
        self.0.challenge = Some(challenge.into());
        self
    }

    /// Sets a header that says what would have been accepted.
    #[must_use]
    pub fn header(mut self, header: (HeaderName, &'static str)) -> Self {
        self.0.header = Some(header);
        self
    }

    /// Sets the mistakes.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Sets the extension members of this code (RFC 9457, 3.2): the fields of `members`, which is plain data.
    #[must_use]
    pub fn with_members(mut self, members: impl Serialize) -> Self {
        if let Ok(Value::Object(members)) = serde_json::to_value(members) {
            self.0.members = members;
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    pub(super) fn answer(mut self, request_id: &str) -> HttpResponse {
        request_id.clone_into(&mut self.0.request_id);
        let mut response = HttpResponse::build(self.status());
        response.content_type("application/problem+json");
        response.extensions_mut().insert(ProblemCode(self.code()));
        if let Some(pause) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, pause.as_secs().max(1)));
        }
        if let Some((Policy { name, quota, window }, wait)) = self.0.limit.zip(self.0.retry_after) {
            let (window, wait) = (whole_seconds(window), whole_seconds(wait));
            response.insert_header(("ratelimit-policy", format!("\"{name}\";q={quota};w={window}")));
            response.insert_header(("ratelimit", format!("\"{name}\";r=0;t={wait}")));
        }
        if let Some(header) = self.0.header.clone() {
            response.insert_header(header);
        }
        let unauthorized = self.status() == StatusCode::UNAUTHORIZED;
        if let Some(challenge) = self.0.challenge.as_deref().or(unauthorized.then_some("Bearer")) {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(serde_json::to_vec(&self).unwrap_or_default())
    }
}

/// 429.
impl From<TooMany> for Problem {
    fn from(TooMany { policy, wait }: TooMany) -> Self {
        let Policy { name, quota, window } = policy;
        let wait = whole_seconds(wait);
        let window = whole_seconds(window);
        let detail = format!("The limit of {name} is {quota} in {window} s. Retry in {wait} s.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
            .retry_after(Duration::from_secs(wait))
            .limited_by(policy)
    }
}

/// Rounded up, and at least 1: a client that comes back earlier is refused again.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

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
