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
    /// The role in tokens.
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

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The account, or the id of the calling service.
    pub sub: Uuid,
    pub role: Role,
    /// Unix time.
    pub exp: u64,
    /// Unix time.
    pub nbf: u64,
    /// Unix time.
    pub iat: u64,
    pub jti: Uuid,
    /// The login that the token comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// The permissions of a SERVICE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Claims {
    /// Unix time in milliseconds: that of a `jti` by time, which `user` makes, or else of `iat`.
    pub fn issued_at(&self) -> u64 {
        let by_jti = self.jti.get_timestamp().map(|time| time.to_unix());
        match by_jti {
            Some((seconds, nanoseconds)) if seconds == self.iat => {
                seconds * 1000 + u64::from(nanoseconds) / 1_000_000
            }
            _ => self.iat.saturating_mul(1000),
        }
    }
}
