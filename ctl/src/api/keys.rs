use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, send};
use super::error::ApiError;

/// A signing key of `user`, without its private half.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    pub kid: String,
    /// `published`, `signing` or `verifying`.
    pub state: String,
    pub signs_from: String,
    pub verifies_until: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Keys {
    data: Vec<SigningKey>,
}

impl Api {
    /// Lists the signing keys, newest first, as ADMIN.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, ApiError> {
        let keys: Keys = self.get(&self.endpoints().user, "/ops/keys").await?;
        Ok(keys.data)
    }

    /// Publishes a new signing key, as ADMIN.
    ///
    /// # Errors
    /// `rotation-in-progress` while a published key does not sign yet.
    pub async fn rotate_key(&self) -> Result<SigningKey, ApiError> {
        self.post(&self.endpoints().user, "/ops/keys", &json!({})).await
    }

    /// Retires a signing key now, as ADMIN. `kid` is safe in a URL.
    ///
    /// # Errors
    /// `only-signing-key` for the key that signs while no other is published.
    pub async fn retire_key(&self, kid: &str) -> Result<(), ApiError> {
        let request = self.request(Method::DELETE, &self.endpoints().user, &format!("/ops/keys/{kid}"));
        send(request).await.map(drop)
    }
}
