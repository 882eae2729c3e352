use serde::Deserialize;

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
