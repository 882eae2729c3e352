//! The customer of canaries and faults, in the client log of the load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::ChaosError;
use ctl::api::Api;
use ctl::client_log::{ClientLog, Completion, Record};
use ctl::instance::LoggedIn;
use ctl::state::{Login, random_secret};
use ctl::wait::Wait;

#[derive(Debug, Clone)]
pub struct Buyer {
    http: reqwest::Client,
    pub account: LoggedIn,
    pub id: Uuid,
    log: ClientLog,
    payments: Arc<Vec<String>>,
}

#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// `None` for a failed connection.
    pub status: Option<u16>,
    /// The body, or the error of the connection.
    pub text: String,
    /// Until the end of the response.
    pub took: Duration,
    pub retry_after: bool,
    /// Empty if absent.
    pub content_type: String,
}

impl HttpResponse {
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the body is RFC 9457 problem details.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.content_type.starts_with("application/problem+json")
    }

    #[must_use]
    pub fn order(&self) -> Option<Uuid> {
        let body: Value = serde_json::from_str(&self.text).ok()?;
        body["id"].as_str()?.parse().ok()
    }
}

impl Buyer {
    /// `payments`: every instance of payment.
    pub async fn register(
        http: reqwest::Client,
        api: Api,
        log: ClientLog,
        payments: Vec<String>,
    ) -> Result<Self, ChaosError> {
        let email = format!("chaos-{}@example.com", Uuid::new_v4().simple());
        let login = Login { email, password: random_secret() };
        let account = api.register(&login).await?;
        let id = account
            .id
            .parse()
            .map_err(|_| ChaosError::Load(format!("`{}` is not an account's id", account.id)))?;
        Ok(Self { http, account: LoggedIn::new(api, login), id, log, payments: Arc::new(payments) })
    }

    /// Writes the log record first.
    pub async fn send(&self, base: &str, body: &Value, key: &str) -> Result<HttpResponse, ChaosError> {
        let token = self.account.token().await?;
        let user = self.id;
        let at = Timestamp::now();
        let record = Record::Send { at, user, key: key.to_owned(), body: body.clone() };
        self.log.write(&record).await.map_err(ChaosError::io("write the client log"))?;
        let request = self
            .http
            .post(format!("{base}/orders"))
            .bearer_auth(token)
            .header("Idempotency-Key", key)
            .json(body);
        let answer = response_to(request).await;
        let record = self.record(&answer, key);
        self.log.write(&record).await.map_err(ChaosError::io("write the client log"))?;
        Ok(answer)
    }

    fn record(&self, answer: &HttpResponse, key: &str) -> Record {
        let outcome = match answer.status {
            Some(200..=299) => Completion::Ok,
            Some(409 | 429) => Completion::Info,
            Some(400..=499) => Completion::Fail,
            _ => Completion::Info,
        };
        let (body, why) = if answer.is_ok() {
            (Some(answer.text.clone()), None)
        } else {
            (None, Some(answer.text.clone()))
        };
        Record::Answer {
            at: Timestamp::now(),
            user: self.id,
            key: key.to_owned(),
            outcome,
            status: answer.status,
            body,
            why,
        }
    }

    /// Retries with one key, at the instances in turn.
    pub async fn place_until_accepted(&self, body: &Value, within: Duration) -> Result<Uuid, ChaosError> {
        let key = Uuid::now_v7().to_string();
        let wait = Wait::begin("an order is accepted", within);
        for base in self.payments.iter().cycle() {
            let answer = self.send(base, body, &key).await?;
            match answer.order() {
                Some(order) if answer.is_ok() => return Ok(order),
                _ => wait.again(format!("{:?} {}", answer.status, answer.text)).await?,
            }
        }
        Err(ChaosError::Impossible("there is no instance of payment".to_owned()))
    }

    /// Returns the final state.
    pub async fn wait_for_end(&self, order: Uuid, within: Duration) -> Result<String, ChaosError> {
        let wait = Wait::begin(format!("order {order} is at its end"), within);
        for base in self.payments.iter().cycle() {
            let answer = response_to(
                self.http.get(format!("{base}/orders/{order}")).bearer_auth(self.account.token().await?),
            )
            .await;
            let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            match body["status"].as_str() {
                Some(status @ ("confirmed" | "refunded" | "declined")) if answer.is_ok() => {
                    return Ok(status.to_owned());
                }
                _ => wait.again(format!("{:?} {}", answer.status, answer.text)).await?,
            }
        }
        Err(ChaosError::Impossible("there is no instance of payment".to_owned()))
    }
}

pub async fn response_to(request: reqwest::RequestBuilder) -> HttpResponse {
    let began = Instant::now();
    let mut answer = HttpResponse {
        status: None,
        text: String::new(),
        took: Duration::ZERO,
        retry_after: false,
        content_type: String::new(),
    };
    match request.send().await {
        Err(error) => answer.text = error.to_string(),
        Ok(response) => {
            let header =
                |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            answer.retry_after = header("retry-after").is_some();
            answer.content_type = header("content-type").unwrap_or_default();
            let status = response.status().as_u16();
            match response.text().await {
                Ok(text) => (answer.status, answer.text) = (Some(status), text),
                Err(error) => answer.text = error.to_string(),
            }
        }
    }
    answer.took = began.elapsed();
    answer
}
