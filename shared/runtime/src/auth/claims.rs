//! The claims of a token.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The role of the bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// A customer, who may order.
    User,
    /// An operator of products, stock, accounts and services.
    Admin,
    /// Another service.
    Service,
}

impl Role {
    /// The name of the role in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Admin => "ADMIN",
            Self::Service => "SERVICE",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The claims of an access token. All but `scope` are required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The account, or the service's own id.
    pub sub: Uuid,
    /// The role of the bearer.
    pub role: Role,
    /// Expiry, in seconds since 1970.
    pub exp: u64,
    /// Start of validity, in seconds since 1970.
    pub nbf: u64,
    /// Time of issue, in seconds since 1970.
    pub iat: u64,
    /// The id of this token.
    pub jti: Uuid,
    /// The permissions of a SERVICE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}
