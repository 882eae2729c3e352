use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Api, read, send};
use super::error::ApiError;

/// An OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthClient {
    pub client_id: String,
    /// The most that the client may request.
    pub scopes: Vec<String>,
    pub created_at: String,
    pub rotated_at: Option<String>,
    pub revoked_at: Option<String>,
    /// After a creation and a rotation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

impl Api {
    /// Lists all OAuth clients, revoked ones included, as ADMIN.
    pub async fn clients(&self) -> Result<Vec<OauthClient>, ApiError> {
        Ok(self.list(&self.endpoints().user, "/oauth/clients", &[], usize::MAX).await?.data)
    }

    /// As ADMIN.
    ///
    /// # Errors
    /// `client-exists` for a client that is not revoked.
    pub async fn create_client(&self, id: &str, scopes: &[String]) -> Result<OauthClient, ApiError> {
        let body = json!({"client_id": id, "scopes": scopes});
        self.post(&self.endpoints().user, "/oauth/clients", &body).await
    }

    /// As ADMIN.
    pub async fn rotate_client_secret(&self, id: &str) -> Result<OauthClient, ApiError> {
        let path = format!("/oauth/clients/{id}/secret");
        read(self.request(Method::POST, &self.endpoints().user, &path)).await
    }

    /// As ADMIN.
    pub async fn revoke_client(&self, id: &str) -> Result<(), ApiError> {
        let path = format!("/oauth/clients/{id}");
        send(self.request(Method::DELETE, &self.endpoints().user, &path)).await.map(drop)
    }
}
