use std::error::Error;

use reqwest::{Response, Url};
use serde::Deserialize;

use super::Service;

#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Sent or not: the call may have had its effect.
    #[error("{service} does not answer at {origin}: {reason}")]
    Unreachable { service: Service, origin: String, reason: String },
    #[error("{0} has no such instance")]
    NoInstance(Service),
    #[error("{service} refuses: {}", .problem.detail)]
    Refused { service: Service, problem: Box<Problem> },
    /// A 2xx that breaks the contract.
    #[error("the answer of {service} cannot be read: {reason}")]
    NotUnderstood { service: Service, reason: String },
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    pub status: u16,
    pub title: String,
    pub detail: String,
    pub code: String,
    pub errors: Vec<FieldError>,
    pub request_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldError {
    /// A JSON pointer, or the name of a parameter.
    pub pointer: String,
    pub reason: String,
}

impl ApiError {
    /// Whether the service refuses with this HTTP status.
    pub fn is_status(&self, status: u16) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.status == status)
    }

    /// Whether the same call may succeed after a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { problem, .. } => matches!(problem.status, 429 | 500..),
            Self::NoInstance(_) | Self::NotUnderstood { .. } => false,
        }
    }

    pub(super) fn unreachable(service: Service, url: &Url, error: &reqwest::Error) -> Self {
        let origin = url.origin().ascii_serialization();
        let reason = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(error) };
        Self::Unreachable { service, origin, reason }
    }

    pub fn not_understood(service: Service, error: &reqwest::Error) -> Self {
        Self::NotUnderstood { service, reason: innermost(error) }
    }

    /// A proxy may answer without problem details.
    pub(super) async fn from_response(service: Service, response: Response) -> Self {
        let status = response.status();
        let header = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        let request_id = header.unwrap_or_default().to_owned();
        let body = response.bytes().await.unwrap_or_default();
        let mut problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        problem.status = status.as_u16();
        if problem.title.is_empty() {
            status.canonical_reason().unwrap_or("Error").clone_into(&mut problem.title);
        }
        if problem.request_id.is_empty() {
            problem.request_id = request_id;
        }
        Self::Refused { service, problem: Box::new(problem) }
    }
}

/// Skips the URL that reqwest repeats.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
