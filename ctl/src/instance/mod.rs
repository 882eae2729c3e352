//! Health and operations endpoints of one instance.

mod login;

pub use login::LoggedIn;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, ApiError, http_client};
use crate::state::Login;

/// Services answer or refuse within 5 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    #[error(transparent)]
    Login(#[from] ApiError),
    #[error("{what}: {why}")]
    NoResponse {
        what: String,
        /// Error of the connection.
        why: String,
    },
    #[error("{what}: {why}")]
    Request {
        what: String,
        /// Response of the instance.
        why: String,
    },
}

/// The administrator, for calls to any instance.
#[derive(Debug, Clone)]
pub struct Admin {
    http: reqwest::Client,
    api: Api,
    pub account: LoggedIn,
}

pub fn http() -> Result<reqwest::Client, InstanceError> {
    let builder = http_client().timeout(ANSWER_WITHIN).connect_timeout(CONNECT_WITHIN);
    builder
        .build()
        .map_err(|error| InstanceError::Request { what: "an HTTP client".to_owned(), why: error.to_string() })
}

impl Admin {
    #[must_use]
    pub fn new(http: reqwest::Client, api: Api, login: Login) -> Self {
        Self { http, account: LoggedIn::new(api.clone(), login), api }
    }

    /// The typed client, for one instance of each service.
    pub async fn api(&self) -> Result<Api, InstanceError> {
        Ok(self.api.with_token(self.account.token().await?))
    }

    /// Returns the body of a 2xx.
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

    /// `path`: such as `/ops/actors`.
    pub async fn get(&self, base: &str, path: &str) -> Result<Value, InstanceError> {
        self.call(Method::GET, base, path, None).await
    }

    /// An instance that fails before it answers counts as armed: callers check that the fault landed.
    pub async fn arm(&self, base: &str, fault: &Value) -> Result<(), InstanceError> {
        match self.call(Method::POST, base, "/ops/faults", Some(fault)).await {
            Ok(_) | Err(InstanceError::NoResponse { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub async fn disarm(&self, base: &str) -> Result<(), InstanceError> {
        self.call(Method::DELETE, base, "/ops/faults", None).await.map(drop)
    }

    pub async fn is_armed(&self, base: &str, failpoint: &str) -> Result<bool, InstanceError> {
        let faults = self.get(base, "/ops/faults").await?;
        let armed = faults["armed"].as_array().cloned().unwrap_or_default();
        Ok(armed.iter().any(|point| point["name"] == failpoint))
    }

    /// Counts restarts of actors with `named` in their name.
    pub async fn restarts(&self, base: &str, named: &str) -> Result<u64, InstanceError> {
        let actors = self.get(base, "/ops/actors").await?;
        let all = actors["actors"].as_array().cloned().unwrap_or_default();
        let wanted =
            all.iter().filter(|actor| actor["name"].as_str().is_some_and(|name| name.contains(named)));
        Ok(wanted.filter_map(|actor| actor["restarts"].as_u64()).sum())
    }

    pub async fn create_product(&self, base: &str, sku: &str, stock: u32) -> Result<(), InstanceError> {
        let price = json!({"amount": 700, "currency": "EUR"});
        let product = json!({"sku": sku, "name": format!("Chaos {sku}"), "price": price, "stock": stock});
        self.call(Method::POST, base, "/products", Some(&product)).await.map(drop)
    }
}

/// `Ok` for a 200, else the response.
pub async fn health(http: &reqwest::Client, base: &str, path: &str) -> Result<(), String> {
    match http.get(format!("{base}{path}")).send().await {
        Ok(response) if response.status() == StatusCode::OK => Ok(()),
        Ok(response) => {
            Err(format!("{base}{path}: {} {}", response.status(), response.text().await.unwrap_or_default()))
        }
        Err(error) => Err(format!("{base}{path}: {error}")),
    }
}
