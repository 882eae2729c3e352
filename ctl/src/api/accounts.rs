use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::Api;
use super::error::ApiError;
use crate::state::Login;

/// An account of `user`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Its id, a UUID.
    pub id: String,
    /// Its e-mail.
    pub email: String,
    /// `USER` or `ADMIN`.
    pub role: String,
    /// Fields this version of `shopctl` does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a login gives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// The JWT for the `Authorization` header.
    pub access_token: String,
    /// Its life in seconds.
    pub expires_in: u64,
    /// Fields this version of `shopctl` does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Logs in.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid-credentials` for an unknown e-mail and a wrong password alike.
    pub async fn log_in(&self, login: &Login) -> Result<Tokens, ApiError> {
        self.post(&self.endpoints().user, "/auth/login", &credentials(login)).await
    }

    /// Registers an account of the role USER.
    ///
    /// # Errors
    /// [`ApiError`]; `email-taken` when there is one.
    pub async fn register(&self, login: &Login) -> Result<Account, ApiError> {
        self.post(&self.endpoints().user, "/auth/register", &credentials(login)).await
    }
}

fn credentials(login: &Login) -> Value {
    json!({"email": login.email, "password": login.password})
}
