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
    /// Minimum time between two fetches for unknown keys.
    pub jwks_refresh: Duration,
    /// See [`jwks_interval`].
    pub jwks_interval: Duration,
}

/// With one look of `user` at its database and one of the other services at `user`, a change counts everywhere
/// within a minute.
const LONGEST_INTERVAL: Duration = Duration::from_secs(25);

/// Reads the time between two looks at keys and revocations.
pub fn jwks_interval(source: &mut Source) -> Duration {
    let interval: Duration =
        source.value("jwks-interval", "20s", "time between two looks for retired keys and revoked tokens");
    let allowed = (Duration::from_millis(10)..=LONGEST_INTERVAL).contains(&interval);
    source.check("jwks-interval", allowed, &format!("must be between 10ms and 25s, got {interval:?}"));
    interval
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
                "minimum time between two fetches of the key set for unknown keys",
            ),
            jwks_interval: jwks_interval(source),
        }
    }
}
