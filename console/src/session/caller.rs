use std::sync::Arc;

use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{CallError, Session};
use crate::api::{Api, ApiError, Call, Credentials, Service};

/// Calls the services for one viewer.
#[derive(Clone)]
pub struct Caller {
    pub api: Api,
    pub session: Arc<Session>,
    pub forwarded_for: String,
}

impl Caller {
    pub async fn read<T: DeserializeOwned>(&self, call: Call<T>) -> Result<T, CallError> {
        let service = call.service;
        let response = self.send(call).await?;
        response.json().await.map_err(|error| ApiError::not_understood(service, &error).into())
    }

    /// The body as it is.
    pub async fn read_text(&self, call: Call<String>) -> Result<String, CallError> {
        let service = call.service;
        let response = self.send(call).await?;
        response.text().await.map_err(|error| ApiError::not_understood(service, &error).into())
    }

    /// Needs no body in the answer.
    pub async fn act(&self, call: Call<()>) -> Result<(), CallError> {
        self.send(call).await.map(drop)
    }

    /// A token that is refused is renewed once: `user` may have revoked it, for another role.
    async fn send<T>(&self, call: Call<T>) -> Result<Response, CallError> {
        let token = self.session.access_token(&self.api, None).await?;
        match self.api.send(&call, &self.credentials(&token)).await {
            Err(error) if error.is_status(401) => {}
            answer => return Ok(answer?),
        }
        let token = self.session.access_token(&self.api, Some(&token)).await?;
        match self.api.send(&call, &self.credentials(&token)).await {
            Err(error) if error.is_status(401) => Err(CallError::SessionEnded),
            answer => Ok(answer?),
        }
    }

    pub fn instances(&self, service: Service) -> usize {
        self.api.instances(service).len()
    }

    fn credentials(&self, token: &str) -> Credentials {
        Credentials { token: Some(token.to_owned()), forwarded_for: self.forwarded_for.clone() }
    }
}
