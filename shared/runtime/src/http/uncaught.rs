//! Problems for the errors that no handler put into words.

use actix_web::{
    Error,
    body::BoxBody,
    dev::ServiceResponse,
    http::{StatusCode, header},
};

use super::Problem;

pub(super) fn with_problem<B>(
    response: ServiceResponse<B>,
    problem: Problem,
    request_id: &str,
) -> ServiceResponse<BoxBody> {
    let allowed = response.headers().get(header::ALLOW).cloned();
    let mut response = response.into_response(problem.answer(request_id));
    // A 405 names the allowed methods (RFC 9110).
    if let Some(methods) = allowed {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

/// The handler's problem, or one made of the status.
pub(super) fn problem_in<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.response().error() {
        Some(error) => Some(problem_of(error)),
        None if response.headers().contains_key("content-type") => None, // a body of its own, as /readyz
        None => Some(match response.headers().get(header::ALLOW).and_then(|methods| methods.to_str().ok()) {
            Some(methods) => {
                Problem::new(status, code_of(status), format!("This path answers to {methods} only."))
            }
            None => generic(status),
        }),
    }
}

pub(super) fn problem_of(error: &Error) -> Problem {
    match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        // Its text may name internals.
        None => generic(error.as_response_error().status_code()),
    }
}

fn generic(status: StatusCode) -> Problem {
    Problem::new(
        status,
        code_of(status),
        status.canonical_reason().unwrap_or("The request failed").to_owned(),
    )
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        status if status.is_client_error() => "invalid-request",
        _ => "internal-error",
    }
}
