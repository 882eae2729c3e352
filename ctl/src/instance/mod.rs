//! One instance over HTTP: is it well, and what do its operations say.

mod login;

pub use login::LoggedIn;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, ApiError, http_client};
use crate::state::Login;

/// No answer takes longer: a request is answered or refused after 5 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Why an instance did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// No token: `user` does not log the account in.
    #[error(transparent)]
    Login(#[from] ApiError),
    /// No answer.
    #[error("{what}: {why}")]
    NoResponse {
        /// The request.
        what: String,
        /// How it failed.
        why: String,
    },
    /// An answer that is no success.
    #[error("{what}: {why}")]
    Request {
        /// The request.
        what: String,
        /// The answer.
        why: String,
    },
}

/// The administrator, at any instance.
#[derive(Debug, Clone)]
pub struct Admin {
    http: reqwest::Client,
    api: Api,
    /// Its login.
    pub account: LoggedIn,
}

/// The HTTP client of the run's own requests.
///
/// # Errors
/// [`InstanceError::Request`].
pub fn http() -> Result<reqwest::Client, InstanceError> {
    let builder = http_client().timeout(ANSWER_WITHIN).connect_timeout(CONNECT_WITHIN);
    builder
        .build()
        .map_err(|error| InstanceError::Request { what: "an HTTP client".to_owned(), why: error.to_string() })
}

impl Admin {
    /// Not logged in yet.
    #[must_use]
    pub fn new(http: reqwest::Client, api: Api, login: Login) -> Self {
        Self { http, account: LoggedIn::new(api.clone(), login), api }
    }

    /// The typed calls, against one instance of each service.
    ///
    /// # Errors
    /// As [`Admin::token`].
    pub async fn api(&self) -> Result<Api, InstanceError> {
        Ok(self.api.with_token(self.account.token().await?))
    }

    /// Any call to any instance; the body of a 2xx.
    ///
    /// # Errors
    /// [`InstanceError::Request`] with the answer.
    pub async fn call(
        &self,
        method: Method,
        base: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, InstanceError> {
        let mut request = self
            .http
            .request(method.clone(), format!("{base}{path}"))
            .bearer_auth(self.account.token().await?);
        if let Some(body) = body {
            request = request.json(body);
        }
        if path.ends_with("/stock") {
            request = request.header("Idempotency-Key", uuid::Uuid::now_v7().to_string());
        }
        let what = format!("{method} {base}{path}");
        let failed = |why: String| InstanceError::Request { what: what.clone(), why };
        let silent =
            |error: reqwest::Error| InstanceError::NoResponse { what: what.clone(), why: error.to_string() };
        let response = request.send().await.map_err(silent)?;
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        if !status.is_success() {
            return Err(failed(format!("{status} {text}")));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// `GET /ops/...`
    ///
    /// # Errors
    /// As [`Admin::call`].
    pub async fn get(&self, base: &str, path: &str) -> Result<Value, InstanceError> {
        self.call(Method::GET, base, path, None).await
    }

    /// Asks an instance to fail on purpose. One that fails at once, before it has answered, does what it was
    /// asked to: the proof that a fault landed is looked for elsewhere anyway.
    ///
    /// # Errors
    /// [`InstanceError::Request`]; also when the service was built without the fault.
    pub async fn arm(&self, base: &str, fault: &Value) -> Result<(), InstanceError> {
        match self.call(Method::POST, base, "/ops/faults", Some(fault)).await {
            Ok(_) | Err(InstanceError::NoResponse { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks it to forget what it was asked to do.
    ///
    /// # Errors
    /// As [`Admin::call`].
    pub async fn disarm(&self, base: &str) -> Result<(), InstanceError> {
        self.call(Method::DELETE, base, "/ops/faults", None).await.map(drop)
    }

    /// Whether a failpoint waits to be passed.
    ///
    /// # Errors
    /// As [`Admin::call`].
    pub async fn is_armed(&self, base: &str, failpoint: &str) -> Result<bool, InstanceError> {
        let faults = self.get(base, "/ops/faults").await?;
        let armed = faults["armed"].as_array().cloned().unwrap_or_default();
        Ok(armed.iter().any(|point| point["name"] == failpoint))
    }

    /// Restarts of an instance's actors of one kind so far.
    ///
    /// # Errors
    /// As [`Admin::call`].
    pub async fn restarts(&self, base: &str, named: &str) -> Result<u64, InstanceError> {
        let actors = self.get(base, "/ops/actors").await?;
        let all = actors["actors"].as_array().cloned().unwrap_or_default();
        let wanted =
            all.iter().filter(|actor| actor["name"].as_str().is_some_and(|name| name.contains(named)));
        Ok(wanted.filter_map(|actor| actor["restarts"].as_u64()).sum())
    }

    /// Creates a product; its sku is what the contract allows.
    ///
    /// # Errors
    /// As [`Admin::call`].
    pub async fn create_product(&self, base: &str, sku: &str, stock: u32) -> Result<(), InstanceError> {
        let price = json!({"amount": 700, "currency": "EUR"});
        let product = json!({"sku": sku, "name": format!("Chaos {sku}"), "price": price, "stock": stock});
        self.call(Method::POST, base, "/products", Some(&product)).await.map(drop)
    }
}

/// What `/readyz` or `/livez` says.
pub async fn health(http: &reqwest::Client, base: &str, path: &str) -> Result<(), String> {
    match http.get(format!("{base}{path}")).send().await {
        Ok(response) if response.status() == StatusCode::OK => Ok(()),
        Ok(response) => {
            Err(format!("{base}{path}: {} {}", response.status(), response.text().await.unwrap_or_default()))
        }
        Err(error) => Err(format!("{base}{path}: {error}")),
    }
}
