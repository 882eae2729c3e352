//! The settings of token verification.

use std::time::Duration;

use crate::settings::{HttpUrl, Source};

/// How a verifier of tokens finds and judges them.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    pub jwks_url: HttpUrl,
    pub issuer: String,
    pub audience: String,
    /// Verified tokens remembered.
    pub cache_size: usize,
    /// Shortest time between two fetches of the key set.
    pub jwks_refresh: Duration,
}

impl TokenSettings {
    /// Reads the settings of token verification.
    pub fn read(source: &mut Source) -> Self {
        Self {
            jwks_url: source.value(
                "jwks-url",
                "http://127.0.0.1:8002/.well-known/jwks.json",
                "public keys of the user service",
            ),
            issuer: source.value("token-issuer", "orderflow-user", "`iss` a token must carry"),
            audience: source.value("token-audience", "orderflow", "`aud` a token must carry"),
            cache_size: source.within("token-cache-size", "10000", 1..=10_000_000, "verified tokens cached"),
            jwks_refresh: source.value(
                "jwks-refresh",
                "10s",
                "shortest time between two fetches of the key set",
            ),
        }
    }
}
