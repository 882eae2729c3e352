//! A customer who logs each request and response.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::RequestError;
use ctl::{
    api::{Problem, http_client, innermost},
    client_log::{ClientLog, Completion, Record},
};

/// Twice the limit of 5 s of a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Events are published again within 60 s of a total loss.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);
/// Without Retry-After.
const PAUSE: Duration = Duration::from_millis(200);

/// An account of role USER.
#[derive(Debug, Clone)]
pub struct Customer {
    pub id: Uuid,
    pub token: String,
}

#[derive(Debug, Clone)]
pub struct Caller {
    http: reqwest::Client,
    customer: Customer,
    log: ClientLog,
}

#[derive(Debug, Clone)]
pub(super) struct OrderResponse {
    /// `None` for a failed connection or a partial response.
    pub status: Option<StatusCode>,
    pub content_type: String,
    /// `Idempotency-Replayed: true`
    pub replayed: bool,
    pub retry_after: Option<Duration>,
    /// The body, or the error of the connection.
    pub text: String,
}

impl Caller {
    pub fn new(customer: Customer, log: ClientLog) -> Result<Self, RequestError> {
        let http = http_client().timeout(ANSWER_WITHIN).build();
        Ok(Self { http: http.map_err(|error| RequestError::Client(error.to_string()))?, customer, log })
    }

    pub(super) fn token(&self) -> &str {
        &self.customer.token
    }

    pub(super) async fn attempt(
        &self,
        payment: &str,
        key: &str,
        body: &Value,
    ) -> Result<OrderResponse, RequestError> {
        self.log_send(key, body).await?;
        let url = format!("{}/orders", payment.trim_end_matches('/'));
        let request = self.http.post(url).bearer_auth(self.token()).header("Idempotency-Key", key).json(body);
        let answer = match request.send().await {
            Ok(response) => OrderResponse::read(response).await,
            Err(error) => OrderResponse::broken(&error),
        };
        self.log_answer(key, &answer).await?;
        Ok(answer)
    }

    /// Tries the instances in turn. With `in_flight_ends`, a 409 is a known outcome.
    pub(super) async fn until_known(
        &self,
        payment: &[String],
        first: usize,
        key: &str,
        body: &Value,
        in_flight_ends: bool,
    ) -> Result<OrderResponse, RequestError> {
        let deadline = Instant::now() + KNOWN_WITHIN;
        for instance in payment.iter().cycle().skip(first % payment.len().max(1)) {
            let answer = self.attempt(instance, key, body).await?;
            if answer.outcome() != Completion::Info
                || (in_flight_ends && answer.status == Some(StatusCode::CONFLICT))
            {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                return Err(RequestError::NeverKnown {
                    key: key.to_owned(),
                    within: KNOWN_WITHIN,
                    last: answer.to_string(),
                });
            }
            sleep(answer.retry_after.unwrap_or(PAUSE)).await;
        }
        Err(RequestError::Client("there is no instance of payment to ask".to_owned()))
    }

    pub(super) async fn log_send(&self, key: &str, body: &Value) -> Result<(), RequestError> {
        let at = Timestamp::now();
        let user = self.customer.id;
        self.log
            .write(&Record::Send { at, user, key: key.to_owned(), body: body.clone() })
            .await
            .map_err(RequestError::Log)
    }

    pub(super) async fn log_answer(&self, key: &str, answer: &OrderResponse) -> Result<(), RequestError> {
        let status = answer.status.map(|status| status.as_u16());
        let outcome = answer.outcome();
        let (body, why) = match outcome {
            Completion::Ok => (Some(answer.text.clone()), None),
            Completion::Fail | Completion::Info => {
                (None, Some(answer.problem().code.unwrap_or_else(|| answer.text.clone())))
            }
        };
        let record = Record::Answer {
            at: Timestamp::now(),
            user: self.customer.id,
            key: key.to_owned(),
            outcome,
            status,
            body,
            why,
        };
        self.log.write(&record).await.map_err(RequestError::Log)
    }
}

impl OrderResponse {
    pub(super) fn lost(why: &str) -> Self {
        Self {
            status: None,
            content_type: String::new(),
            replayed: false,
            retry_after: None,
            text: why.to_owned(),
        }
    }

    /// The innermost cause is the specific one: refused, reset, timed out.
    fn broken(error: &reqwest::Error) -> Self {
        Self::lost(&innermost(error))
    }

    async fn read(response: Response) -> Self {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let answer = Self {
            status: Some(response.status()),
            content_type: header("content-type"),
            replayed: header("idempotency-replayed") == "true",
            retry_after: header("retry-after").parse().ok().map(Duration::from_secs),
            text: String::new(),
        };
        match response.text().await {
            Ok(text) => Self { text, ..answer },
            Err(error) => Self::broken(&error),
        }
    }

    pub(super) fn outcome(&self) -> Completion {
        match self.status {
            Some(status) if status.is_success() => Completion::Ok,
            Some(StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS) => Completion::Info,
            Some(status) if status.is_client_error() => Completion::Fail,
            _ => Completion::Info,
        }
    }

    pub(super) fn order(&self) -> Option<Uuid> {
        let body: Value = serde_json::from_str(&self.text).ok()?;
        body["id"].as_str()?.parse().ok().filter(|_| self.outcome() == Completion::Ok)
    }

    /// Empty without a problem.
    pub(super) fn problem(&self) -> Problem {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl std::fmt::Display for OrderResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} {}", status.as_u16(), self.text),
            None => f.write_str(&self.text),
        }
    }
}
