//! The HTTP client of the three services.

use std::time::Duration;

use reqwest::{ClientBuilder, Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// Longer than the longest long poll of the contract, 30 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Less than the 5 s after which the services close an idle connection. A reused connection is then still
/// open, and a broken one is a finding.
const IDLE_AT_MOST: Duration = Duration::from_secs(3);

/// The addresses of the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// `http://127.0.0.1:8002`
    pub user: String,
    /// `http://127.0.0.1:8000`
    pub inventory: String,
    /// `http://127.0.0.1:8001`
    pub payment: String,
}

/// A client of all three services, with or without a token.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    endpoints: Endpoints,
    token: Option<String>,
}

impl Api {
    /// A client without a token.
    ///
    /// # Errors
    /// [`ApiError::Client`] if the HTTP client cannot be set up.
    pub fn new(endpoints: Endpoints) -> Result<Self, ApiError> {
        let http = http_client()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .user_agent(concat!("shopctl/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ApiError::Client)?;
        Ok(Self { http, endpoints, token: None })
    }

    /// The same client, with a token for every call.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The addresses of the services.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    pub(super) fn request(&self, method: Method, base: &str, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", base.trim_end_matches('/')));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, base: &str, path: &str) -> Result<T, ApiError> {
        read(self.request(Method::GET, base, path)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        base: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        read(self.request(Method::POST, base, path).json(body)).await
    }
}

/// The common settings of all HTTP clients for the services.
pub fn http_client() -> ClientBuilder {
    // Services on this machine are reached without a proxy.
    reqwest::Client::builder().no_proxy().pool_idle_timeout(IDLE_AT_MOST)
}

/// Sends a request; a status other than 2xx is an error.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, ApiError> {
    let response = request.send().await.map_err(ApiError::from_transport)?;
    if response.status().is_success() { Ok(response) } else { Err(ApiError::from_response(response).await) }
}

pub(super) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ApiError> {
    let response = send(request).await?;
    let url = response.url().to_string();
    response.json().await.map_err(|source| ApiError::NotUnderstood { url, source })
}
