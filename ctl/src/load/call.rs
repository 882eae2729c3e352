use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use reqwest::header::RETRY_AFTER;

use crate::api::{Problem, innermost};

/// Limit of the specification. A long poll adds its wait.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// Covers a response just over the limit.
const MARGIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Exchange {
    pub outcome: Result<HttpResponse, TransportError>,
    pub slow: bool,
}

#[derive(Debug)]
pub(super) struct HttpResponse {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: String,
}

#[derive(Debug)]
pub(super) enum TransportError {
    Unreached(String),
    Reset(String),
    TimedOut,
}

/// `wait`: how long the server may hold the request.
pub(super) async fn call(request: RequestBuilder, wait: Duration) -> Exchange {
    let began = Instant::now();
    let outcome = exchange(request.timeout(wait + REQUEST_WITHIN + MARGIN)).await.map_err(transport_error);
    Exchange { outcome, slow: began.elapsed() > wait + REQUEST_WITHIN }
}

async fn exchange(request: RequestBuilder) -> reqwest::Result<HttpResponse> {
    let response = request.send().await?;
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(HttpResponse {
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        body: response.text().await?,
    })
}

fn transport_error(error: reqwest::Error) -> TransportError {
    if error.is_connect() {
        TransportError::Unreached(innermost(&error))
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Reset(innermost(&error))
    }
}

/// Code of the problem, or error of the connection.
pub(super) fn failure_reason(outcome: &Result<HttpResponse, TransportError>) -> String {
    match outcome {
        Ok(answer) => {
            let code = serde_json::from_str::<Problem>(&answer.body).ok().and_then(|problem| problem.code);
            code.unwrap_or_else(|| format!("status {}", answer.status))
        }
        Err(TransportError::Unreached(reason)) => format!("not reached: {reason}"),
        Err(TransportError::Reset(reason)) => format!("connection broken: {reason}"),
        Err(TransportError::TimedOut) => "no answer in time".to_owned(),
    }
}
