use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use super::{ApiError, Call, Service};
use crate::tls::trust;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Below the 5 s after which services close idle connections.
const IDLE_AT_MOST: Duration = Duration::from_secs(3);

/// The account or visitor on whose behalf a call is made.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub token: Option<String>,
    /// For `X-Forwarded-For`: a service that trusts the console counts and records the viewer.
    pub forwarded_for: String,
}

/// A client of all instances.
#[derive(Debug, Clone)]
pub struct Api {
    http: Client,
    urls: Arc<[Vec<Url>; 3]>,
}

impl Api {
    /// `urls`: the instances of `user`, `inventory` and `payment`.
    pub fn new(urls: [Vec<Url>; 3]) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .tls_backend_preconfigured(trust())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .pool_idle_timeout(IDLE_AT_MOST)
            .user_agent(format!("orderflow-console/{}", build_info::VERSION))
            .build()?;
        Ok(Self { http, urls: Arc::new(urls) })
    }

    /// The connections of all calls.
    pub fn http(&self) -> &Client {
        &self.http
    }

    pub fn instances(&self, service: Service) -> &[Url] {
        &self.urls[service as usize]
    }

    pub async fn read<T: DeserializeOwned>(&self, call: &Call<T>, of: &Credentials) -> Result<T, ApiError> {
        let response = self.send(call, of).await?;
        response.json().await.map_err(|error| ApiError::not_understood(call.service, &error))
    }

    /// A refusal is an error.
    pub async fn send<T>(&self, call: &Call<T>, of: &Credentials) -> Result<Response, ApiError> {
        let response = self.ask(call, of).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(ApiError::from_response(call.service, response).await)
        }
    }

    /// Goes on to the next instance only if nothing was sent to the one before.
    pub async fn ask<T>(&self, call: &Call<T>, of: &Credentials) -> Result<Response, ApiError> {
        let instances = self.instances(call.service).iter().enumerate();
        let mut last = None;
        for (_, url) in instances.filter(|(n, _)| call.instance.is_none_or(|wanted| wanted == *n)) {
            match self.request(url, call, of).send().await {
                Err(error) if error.is_connect() => {
                    last = Some(ApiError::unreachable(call.service, url, &error))
                }
                answer => return answer.map_err(|error| ApiError::unreachable(call.service, url, &error)),
            }
        }
        Err(last.unwrap_or(ApiError::NoInstance(call.service)))
    }

    fn request<T>(&self, url: &Url, call: &Call<T>, of: &Credentials) -> RequestBuilder {
        let mut url = url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).timeout(call.within);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if !of.forwarded_for.is_empty() {
            request = request.header("X-Forwarded-For", &of.forwarded_for);
        }
        if let Some(token) = &of.token {
            request = request.bearer_auth(token);
        }
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}
