use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::Api;
use super::error::ApiError;
use crate::state::Login;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub role: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    /// In seconds.
    pub expires_in: u64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Logs in.
    ///
    /// # Errors
    /// `invalid-credentials` for an unknown e-mail and for a wrong password.
    pub async fn log_in(&self, login: &Login) -> Result<Tokens, ApiError> {
        self.post(&self.endpoints().user, "/auth/login", &credentials(login)).await
    }

    /// Registers a USER.
    ///
    /// # Errors
    /// `email-taken` for an existing account.
    pub async fn register(&self, login: &Login) -> Result<Account, ApiError> {
        self.post(&self.endpoints().user, "/auth/register", &credentials(login)).await
    }
}

fn credentials(login: &Login) -> Value {
    json!({"email": login.email, "password": login.password})
}
