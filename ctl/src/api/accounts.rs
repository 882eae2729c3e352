use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::Api;
use super::error::ApiError;
use crate::state::Login;

/// An account of `user`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// The id, a UUID.
    pub id: String,
    /// The e-mail.
    pub email: String,
    /// `USER` or `ADMIN`.
    pub role: String,
    /// Fields unknown to this version of `shopctl`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The result of a login.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// The JWT for the `Authorization` header.
    pub access_token: String,
    /// The lifetime in seconds.
    pub expires_in: u64,
    /// Fields unknown to this version of `shopctl`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Logs in.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid-credentials` for an unknown e-mail and for a wrong password.
    pub async fn log_in(&self, login: &Login) -> Result<Tokens, ApiError> {
        self.post(&self.endpoints().user, "/auth/login", &credentials(login)).await
    }

    /// Registers an account of the role USER.
    ///
    /// # Errors
    /// [`ApiError`]; `email-taken` for an existing account.
    pub async fn register(&self, login: &Login) -> Result<Account, ApiError> {
        self.post(&self.endpoints().user, "/auth/register", &credentials(login)).await
    }
}

fn credentials(login: &Login) -> Value {
    json!({"email": login.email, "password": login.password})
}
