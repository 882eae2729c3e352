use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read, send};
use super::error::ApiError;
use super::list::Listed;
use crate::state::Login;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub role: String,
    #[serde(default)]
    pub disabled: bool,
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

    /// Lists the accounts, oldest first, as ADMIN.
    pub async fn accounts(&self, limit: usize) -> Result<Listed<Account>, ApiError> {
        self.list(&self.endpoints().user, "/users", &[], limit).await
    }

    /// Changes `role` or `disabled`, as ADMIN.
    ///
    /// # Errors
    /// `last-admin` for the last enabled ADMIN.
    pub async fn change_account(&self, id: &str, change: &Value) -> Result<Account, ApiError> {
        let path = format!("/users/{id}");
        read(self.request(Method::PATCH, &self.endpoints().user, &path).json(change)).await
    }

    /// As ADMIN.
    ///
    /// # Errors
    /// `last-admin` for the last enabled ADMIN.
    pub async fn delete_account(&self, id: &str) -> Result<(), ApiError> {
        let path = format!("/users/{id}");
        send(self.request(Method::DELETE, &self.endpoints().user, &path)).await.map(drop)
    }
}

fn credentials(login: &Login) -> Value {
    json!({"email": login.email, "password": login.password})
}
