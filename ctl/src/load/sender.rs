//! Retries with the same key until the outcome is known.
//!
//! ```text
//!            2xx ──────────────────────────────> accepted
//! send ──┬── 4xx ──────────────────────────────> refused: no order was placed, no retry
//!        ├── 401 ── log in again ──┐
//!        └── 409, 429, 5xx, no response: info ── pause ── send (same key, same body, next instance)
//! ```

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::backoff::Backoff;
use super::call::{Exchange, HttpResponse, TransportError, call, failure_reason};
use super::customers::{Customer, Token};
use super::inner::Inner;
use super::instances::Instance;
use crate::client_log::{Completion, Record};

#[derive(Debug)]
pub(super) struct NewOrder {
    pub customer: Arc<Customer>,
    key: Uuid,
    body: Value,
    text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Placed {
    pub id: Uuid,
    pub status: String,
    pub version: u64,
}

#[derive(Debug)]
pub(super) enum Placement {
    Accepted(Placed),
    Refused,
    /// Unknown to the end, or a 2xx that names no order.
    Unknown,
}

#[derive(Debug)]
enum ResponseClass {
    Accepted { body: String },
    Refused { status: u16 },
    StaleToken,
    Unknown { retry_after: Option<Duration> },
}

impl NewOrder {
    pub fn new(customer: Arc<Customer>, body: Value) -> Self {
        let text = body.to_string();
        Self { customer, key: Uuid::now_v7(), body, text }
    }

    fn announcement(&self) -> Record {
        Record::Send {
            at: Timestamp::now(),
            user: self.customer.id,
            key: self.key.to_string(),
            body: self.body.clone(),
        }
    }
}

impl Inner {
    /// Returns the time of the first attempt.
    ///
    /// # Errors
    /// The client log cannot be written: stop sending.
    pub(super) async fn place(&self, order: &NewOrder) -> io::Result<(Instant, Placement)> {
        self.log.write(&order.announcement()).await?;
        self.stats.sent.up();
        let began = Instant::now();
        let mut backoff = Backoff::new();
        let mut unknown = false;
        loop {
            let (pause, retry) = match self.attempt(order).await {
                ResponseClass::Accepted { body } => {
                    return Ok((began, self.accepted(order, &body, began, unknown)));
                }
                ResponseClass::Refused { status } => return Ok((began, self.refused(status, unknown))),
                ResponseClass::StaleToken => (backoff.pause(None), true),
                ResponseClass::Unknown { retry_after } => (backoff.pause(retry_after), self.plan.retry),
            };
            if !std::mem::replace(&mut unknown, true) {
                self.stats.unknown.up();
            }
            if !retry || began.elapsed() + pause > self.plan.patience {
                return Ok((began, self.give_up(order)));
            }
            sleep(pause).await;
            self.log.write(&order.announcement()).await?;
            self.stats.retries.up();
        }
    }

    async fn attempt(&self, order: &NewOrder) -> ResponseClass {
        let (outcome, token) = self.send(order).await;
        let class = classify(&outcome);
        self.log.note(&answer(order, &class, &outcome));
        if matches!(class, ResponseClass::StaleToken) {
            order.customer.refused(&token, &self.accounts).await;
        }
        class
    }

    async fn send(&self, order: &NewOrder) -> (Result<HttpResponse, TransportError>, Arc<Token>) {
        let instance = self.payment.next();
        let token = order.customer.token(&self.accounts).await;
        let request =
            self.http.request(Method::POST, format!("{}/orders", instance.url())).bearer_auth(&token.text);
        let request =
            request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", order.key.to_string());
        let exchange = Box::pin(call(request.body(order.text.clone()), Duration::ZERO)).await;
        (self.count(exchange, &instance), token)
    }

    /// Excludes an instance that did not respond.
    pub(super) fn count(
        &self,
        exchange: Exchange,
        instance: &Instance,
    ) -> Result<HttpResponse, TransportError> {
        if exchange.slow {
            self.stats.slow.up();
        }
        match &exchange.outcome {
            Ok(answer) => {
                self.stats.note_status(answer.status);
                if matches!(answer.status, 429 | 503) && answer.retry_after.is_none() {
                    self.stats.retry_after_missing.up();
                }
            }
            Err(error) => {
                instance.pass_over();
                match error {
                    TransportError::Unreached(_) => self.stats.unreached.up(),
                    TransportError::Reset(_) => self.stats.resets.up(),
                    TransportError::TimedOut => self.stats.timeouts.up(),
                }
            }
        }
        exchange.outcome
    }

    fn accepted(&self, order: &NewOrder, body: &str, began: Instant, was_unknown: bool) -> Placement {
        self.known(was_unknown);
        self.stats.note_accepted(began.elapsed());
        match serde_json::from_str(body) {
            Ok(placed) => Placement::Accepted(placed),
            // The key identifies an order that cannot be followed.
            Err(_) => {
                self.stuck(order.key);
                Placement::Unknown
            }
        }
    }

    fn refused(&self, status: u16, was_unknown: bool) -> Placement {
        self.known(was_unknown);
        self.stats.note_refused(status);
        Placement::Refused
    }

    fn known(&self, was_unknown: bool) {
        if was_unknown {
            self.stats.unknown.down();
        }
    }

    /// With retries, an unknown outcome is a defect.
    fn give_up(&self, order: &NewOrder) -> Placement {
        if self.plan.retry {
            self.stuck(order.key);
        }
        Placement::Unknown
    }
}

fn classify(outcome: &Result<HttpResponse, TransportError>) -> ResponseClass {
    match outcome {
        Ok(answer) => match answer.status {
            200..=299 => ResponseClass::Accepted { body: answer.body.clone() },
            401 => ResponseClass::StaleToken,
            409 | 429 | 500.. => ResponseClass::Unknown { retry_after: answer.retry_after },
            status => ResponseClass::Refused { status },
        },
        Err(_) => ResponseClass::Unknown { retry_after: None },
    }
}

fn answer(order: &NewOrder, class: &ResponseClass, outcome: &Result<HttpResponse, TransportError>) -> Record {
    let (meaning, body) = match class {
        ResponseClass::Accepted { body } => (Completion::Ok, Some(body.clone())),
        ResponseClass::Refused { .. } => (Completion::Fail, None),
        // After a 401, the same key goes out with another token.
        ResponseClass::StaleToken | ResponseClass::Unknown { .. } => (Completion::Info, None),
    };
    let why = body.is_none().then(|| failure_reason(outcome));
    let status = outcome.as_ref().ok().map(|answer| answer.status);
    Record::Answer {
        at: Timestamp::now(),
        user: order.customer.id,
        key: order.key.to_string(),
        outcome: meaning,
        status,
        body,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(status: u16) -> ResponseClass {
        classify(&Ok(HttpResponse { status, retry_after: None, body: String::new() }))
    }

    #[test]
    fn only_what_may_have_happened_is_asked_for_again() {
        assert!(matches!(class_of(202), ResponseClass::Accepted { .. }));
        assert!(matches!(class_of(401), ResponseClass::StaleToken));
        for status in [409, 429, 500, 503] {
            assert!(matches!(class_of(status), ResponseClass::Unknown { .. }), "{status}");
        }
        for status in [400, 403, 404, 422] {
            assert!(matches!(class_of(status), ResponseClass::Refused { .. }), "{status}");
        }
        assert!(matches!(classify(&Err(TransportError::TimedOut)), ResponseClass::Unknown { .. }));
    }
}
