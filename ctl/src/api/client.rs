use std::time::Duration;

use reqwest::{ClientBuilder, Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::tls::trust;

/// Above the longest long poll of the contract, 30 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Below the 5 s after which services close idle connections: a reused one is open, a broken one is a
/// finding.
const IDLE_AT_MOST: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    pub user: String,
    pub inventory: String,
    pub payment: String,
}

/// A client of all three services.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    endpoints: Endpoints,
    token: Option<String>,
}

impl Api {
    pub fn new(endpoints: Endpoints) -> Result<Self, ApiError> {
        let http = http_client()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .user_agent(format!("shopctl/{}", build_info::VERSION))
            .build()
            .map_err(ApiError::Client)?;
        Ok(Self { http, endpoints, token: None })
    }

    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

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

pub fn http_client() -> ClientBuilder {
    reqwest::Client::builder().tls_backend_preconfigured(trust()).no_proxy().pool_idle_timeout(IDLE_AT_MOST)
}

pub(super) async fn send(request: RequestBuilder) -> Result<Response, ApiError> {
    let response = request.send().await.map_err(ApiError::from_transport)?;
    if response.status().is_success() { Ok(response) } else { Err(ApiError::from_response(response).await) }
}

pub(super) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ApiError> {
    let response = send(request).await?;
    let url = response.url().to_string();
    response.json().await.map_err(|source| ApiError::NotUnderstood { url, source })
}
