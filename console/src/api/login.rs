use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Service, accounts::Account};

/// The tokens of a session of `user`.
#[derive(Clone, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    /// In seconds.
    pub expires_in: u64,
    /// Works once.
    pub refresh_token: String,
}

pub fn log_in(email: &str, password: &str) -> Call<Tokens> {
    Call::post(Service::User, ["auth", "login"], json!({"email": email, "password": password}))
}

pub fn refresh(refresh_token: &str) -> Call<Tokens> {
    Call::post(Service::User, ["auth", "refresh"], json!({"refresh_token": refresh_token}))
}

pub fn log_out(refresh_token: &str) -> Call<()> {
    Call::post(Service::User, ["auth", "logout"], json!({"refresh_token": refresh_token}))
}

pub fn own_account() -> Call<Account> {
    Call::new(Method::GET, Service::User, ["auth", "user"])
}
