use std::fmt;

use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{url} does not answer ({reason}); is the stack running? Start it with scripts/up")]
    Unreachable {
        /// Without path and query.
        url: String,
        reason: String,
    },
    #[error("{0}")]
    Refused(Box<Problem>),
    /// A 2xx with a body that breaks the contract.
    #[error("cannot parse the response of {url}")]
    NotUnderstood {
        /// URL of the request.
        url: String,
        source: reqwest::Error,
    },
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    pub status: u16,
    /// For people.
    pub title: String,
    pub detail: Option<String>,
    /// For programs; kebab-case.
    pub code: Option<String>,
    pub errors: Vec<FieldError>,
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldError {
    /// JSON pointer.
    pub pointer: String,
    #[serde(alias = "detail", alias = "message")]
    pub reason: String,
}

impl ApiError {
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => problem.code.as_deref(),
            _ => None,
        }
    }

    /// The token is missing, invalid or of the wrong role.
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
    /// Proxies answer without problem details.
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

/// Skips the URL that reqwest repeats, and "db error" of tokio-postgres.
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
