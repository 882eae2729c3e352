use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

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
    /// The account, or the id of the calling service. Other texts than a UUID have a stable one.
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

/// A UUID in its usual form stays itself. Any other text becomes a UUID of version 8: the first 16 bytes of SHA-256
/// over the issuer, a zero byte, and the text.
pub(super) fn stable_id(issuer: &str, text: &str) -> Uuid {
    if let Some(id) = Uuid::parse_str(text).ok().filter(|id| id.to_string() == text) {
        return id;
    }
    let mut digest = Context::new(&SHA256);
    [issuer.as_bytes(), &[0], text.as_bytes()].iter().for_each(|part| digest.update(part));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finish().as_ref()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_one_id_for_ever_and_shares_it_with_no_other() {
        let id = "0190a5c4-0000-7000-8000-00000000abcd";
        assert_eq!(stable_id("https://a", id).to_string(), id);
        assert_eq!(stable_id("https://a", "auth0|ada").to_string(), "013e1225-360b-8bd0-9a98-e4f5ddc61321");
        assert_eq!(stable_id("https://a", "auth0|ada"), stable_id("https://a", "auth0|ada"));
        assert_ne!(stable_id("https://a", "auth0|ada"), stable_id("https://b", "auth0|ada"));
        for other in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}")] {
            assert_ne!(stable_id("https://a", &other).to_string(), id, "{other}");
        }
    }
}
