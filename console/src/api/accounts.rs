use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Page, ROWS, Service};
use crate::text::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    User,
    Admin,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub role: Role,
    pub disabled: bool,
    pub created_at: Moment,
}

/// An OAuth client: a service that calls this system.
#[derive(Debug, Clone, Deserialize)]
pub struct Client {
    pub client_id: String,
    pub scopes: Vec<String>,
    pub created_at: Moment,
    pub revoked_at: Option<Moment>,
}

/// A key that signs tokens, without its private half.
#[derive(Debug, Clone, Deserialize)]
pub struct SigningKey {
    pub kid: String,
    /// `published`, `signing` or `verifying`.
    pub state: String,
    pub signs_from: Moment,
    pub verifies_until: Option<Moment>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct SigningKeys {
    pub data: Vec<SigningKey>,
}

/// A client whose secret no other answer has.
#[derive(Deserialize)]
pub struct ClientWithSecret {
    pub client_id: String,
    pub client_secret: String,
}

/// A login.
#[derive(Debug, Clone, Deserialize)]
pub struct UserSession {
    pub id: String,
    pub created_at: Moment,
    pub last_used_at: Moment,
}

#[derive(Debug, Clone, Deserialize)]
pub struct UserSessions {
    pub data: Vec<UserSession>,
}

/// The scopes that a client can get.
pub const SCOPES: [&str; 3] = ["products:read", "stock:write", "orders:read"];

impl Account {
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

pub fn list(cursor: &str) -> Call<Page<Account>> {
    Call::get(Service::User, ["users"]).query("limit", ROWS).query("cursor", cursor)
}

pub fn clients() -> Call<Page<Client>> {
    Call::get(Service::User, ["oauth", "clients"]).query("limit", "100")
}

pub fn signing_keys() -> Call<SigningKeys> {
    Call::get(Service::User, ["ops", "keys"])
}

/// Sessions of the own account.
pub fn sessions() -> Call<UserSessions> {
    Call::get(Service::User, ["auth", "sessions"])
}

pub fn end_session(id: &str) -> Call<()> {
    Call::new(Method::DELETE, Service::User, ["auth", "sessions", id])
}

/// Ends all sessions of the account.
pub fn set_disabled(id: &str, disabled: bool) -> Call<()> {
    Call::new(Method::PATCH, Service::User, ["users", id]).json(json!({"disabled": disabled}))
}

pub fn set_role(id: &str, role: &str) -> Call<()> {
    Call::new(Method::PATCH, Service::User, ["users", id]).json(json!({"role": role}))
}

pub fn create_client(id: &str, scopes: &[String]) -> Call<ClientWithSecret> {
    Call::post(Service::User, ["oauth", "clients"], json!({"client_id": id, "scopes": scopes}))
}

pub fn rotate_secret(id: &str) -> Call<ClientWithSecret> {
    Call::new(Method::POST, Service::User, ["oauth", "clients", id, "secret"])
}

pub fn revoke_client(id: &str) -> Call<()> {
    Call::new(Method::DELETE, Service::User, ["oauth", "clients", id])
}

pub fn rotate_key() -> Call<()> {
    Call::new(Method::POST, Service::User, ["ops", "keys"])
}

pub fn retire_key(kid: &str) -> Call<()> {
    Call::new(Method::DELETE, Service::User, ["ops", "keys", kid])
}
