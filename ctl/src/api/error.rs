use std::fmt;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing answers there, or not in time.
    #[error("{url} does not answer ({reason}); is the stack running? Start it with scripts/up")]
    Unreachable {
        /// Without path and query.
        url: String,
        /// The innermost cause.
        reason: String,
    },
    /// The service said no, and why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// A 2xx with something else than the contract's answer.
    #[error("cannot understand the answer of {url}")]
    NotUnderstood {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        source: reqwest::Error,
    },
    /// No request could be made at all.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// An error answer: RFC 9457 problem details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is, for people.
    pub title: String,
    /// What happened this time.
    pub detail: Option<String>,
    /// What kind of problem it is, for programs; kebab-case.
    pub code: Option<String>,
    /// What is wrong with which field.
    pub errors: Vec<FieldError>,
    /// To find it in the services' logs.
    pub request_id: Option<String>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldError {
    /// A JSON pointer into the request.
    pub pointer: String,
    /// What is wrong there.
    #[serde(alias = "detail", alias = "message")]
    pub reason: String,
}

impl ApiError {
    /// The problem's code, when the service refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => problem.code.as_deref(),
            _ => None,
        }
    }

    /// Whether the token is missing, wrong or of the wrong role.
    #[must_use]
    pub fn is_unauthorised(&self) -> bool {
        matches!(self, Self::Refused(problem) if [401, 403].contains(&problem.status))
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        let url = error.url().map_or_else(String::new, |url| url.origin().ascii_serialization());
        Self::Unreachable { url, reason: innermost(&error) }
    }

    pub(super) async fn from_response(response: Response) -> Self {
        let status = response.status();
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.unwrap_or_default();
        Self::Refused(Box::new(Problem::read(status, id, &body)))
    }
}

impl Problem {
    /// A proxy or an older service may answer without problem details: the status alone is still worth
    /// showing.
    fn read(status: StatusCode, request_id: Option<String>, body: &[u8]) -> Self {
        let mut problem: Self = serde_json::from_slice(body).unwrap_or_default();
        problem.status = status.as_u16();
        if problem.title.is_empty() {
            status.canonical_reason().unwrap_or("Error").clone_into(&mut problem.title);
        }
        problem.request_id = problem.request_id.or(request_id);
        problem
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        write!(f, "{} ({}{code})", self.title, self.status)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        for error in &self.errors {
            write!(f, "\n  {}: {}", error.pointer, error.reason)?;
        }
        match &self.request_id {
            Some(id) => write!(f, "\n  request id: {id}"),
            None => Ok(()),
        }
    }
}

/// What it is all about: the outer errors of reqwest only repeat the URL, those of tokio-postgres say "db
/// error".
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_title_detail_fields_and_request_id() {
        let body = br#"{"type":"about:blank","title":"Invalid request","status":400,"code":"invalid-request",
            "detail":"the body has 1 error","errors":[{"pointer":"/items/0/quantity","reason":"must be 1 to 1000"}],
            "request_id":"r-1"}"#;
        let problem = Problem::read(StatusCode::BAD_REQUEST, Some("from the header".to_owned()), body);
        let expected = "Invalid request (400 invalid-request): the body has 1 error\n  \
            /items/0/quantity: must be 1 to 1000\n  request id: r-1";
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn an_error_page_of_a_proxy_still_shows_its_status() {
        let problem = Problem::read(StatusCode::BAD_GATEWAY, None, b"<html>");
        assert_eq!(problem.to_string(), "Bad Gateway (502)");
    }
}
