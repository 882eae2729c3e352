use std::time::Duration;

use crate::settings::{HttpUrl, Source};

/// The settings of token verification.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    pub jwks_url: HttpUrl,
    /// The required `iss`.
    pub issuer: String,
    /// The required `aud`.
    pub audience: String,
    /// In tokens.
    pub cache_size: usize,
    /// Minimum time between two fetches.
    pub jwks_refresh: Duration,
}

impl TokenSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        Self {
            jwks_url: source.value(
                "jwks-url",
                "http://127.0.0.1:8002/.well-known/jwks.json",
                "public keys of the user service",
            ),
            issuer: source.value("token-issuer", "orderflow-user", "required `iss` of a token"),
            audience: source.value("token-audience", "orderflow", "required `aud` of a token"),
            cache_size: source.within(
                "token-cache-size",
                "10000",
                1..=10_000_000,
                "largest number of verified tokens in the cache",
            ),
            jwks_refresh: source.value(
                "jwks-refresh",
                "10s",
                "minimum time between two fetches of the key set",
            ),
        }
    }
}
