use std::time::Duration;

use jsonwebtoken::Algorithm;

use crate::settings::{HttpUrl, Source, Value};

/// The settings of token verification.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    pub jwks_url: HttpUrl,
    /// The required `iss`.
    pub issuer: String,
    /// The required `aud`.
    pub audience: String,
    pub algorithms: TokenAlgorithms,
    pub types: TokenTypes,
    pub role_claim: RoleClaim,
    /// From `iat` to `exp`.
    pub longest_life: Duration,
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

/// The largest `access-token-ttl`.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Algorithms of signatures with a public key. HMAC and `none` are never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAlgorithms(pub(super) Vec<Algorithm>);

impl Value for TokenAlgorithms {
    fn parse(text: &str) -> Result<Self, String> {
        let algorithm = |name: &str| match name.trim() {
            "EdDSA" => Ok(Algorithm::EdDSA),
            "RS256" => Ok(Algorithm::RS256),
            "ES256" => Ok(Algorithm::ES256),
            other => Err(format!("expected some of EdDSA, RS256 and ES256, got `{other}`")),
        };
        text.split(',').map(algorithm).collect::<Result<_, _>>().map(Self)
    }
}

/// Values of the header `typ`, in lower case and without `application/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTypes(pub(super) Vec<String>);

impl Value for TokenTypes {
    fn parse(text: &str) -> Result<Self, String> {
        let types: Vec<String> = text.split(',').map(|typ| plain_type(typ.trim())).collect();
        let is_type = |typ: &String| !typ.is_empty() && typ.bytes().all(|byte| byte.is_ascii_graphic());
        if types.iter().all(is_type) {
            Ok(Self(types))
        } else {
            Err(format!("expected types such as at+jwt and JWT, with commas, got `{text}`"))
        }
    }
}

/// RFC 7515, 4.1.9: types are compared as media types, which may lack `application/`.
pub(super) fn plain_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
}

/// A JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleClaim(pub(super) String);

impl Value for RoleClaim {
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > 1 && text.starts_with('/') {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "expected a JSON pointer such as /realm_access/roles or /https:~1~1shop.example~1roles, got `{text}`"
        ))
    }
}

/// Reads the time between two looks at keys and revocations.
pub fn jwks_interval(source: &mut Source) -> Duration {
    let interval: Duration =
        source.value("jwks-interval", "20s", "time between two looks for retired keys and revoked tokens");
    let allowed = (Duration::from_millis(10)..=LONGEST_INTERVAL).contains(&interval);
    source.check("jwks-interval", allowed, &format!("must be between 10ms and 25s, got {interval:?}"));
    interval
}

fn longest_life(source: &mut Source) -> Duration {
    let life: Duration = source.value("token-longest-life", "24h", "longest life of an accepted token");
    let allowed = (Duration::from_secs(1)..=LONGEST_LIFE).contains(&life);
    source.check("token-longest-life", allowed, &format!("must be between 1s and 24h, got {life:?}"));
    life
}

impl TokenSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        Self {
            jwks_url: source.value(
                "jwks-url",
                "http://127.0.0.1:8002/.well-known/jwks.json",
                "public keys of the user service, or of another identity provider",
            ),
            issuer: source.value("token-issuer", "orderflow-user", "required `iss` of a token"),
            audience: source.value("token-audience", "orderflow", "required `aud` of a token"),
            algorithms: source.value(
                "token-algorithms",
                "EdDSA",
                "algorithms that may sign a token: some of EdDSA, RS256 and ES256, with commas",
            ),
            types: source.value(
                "token-types",
                "at+jwt",
                "accepted `typ` of a token, with commas; Keycloak, Auth0 and Entra send JWT",
            ),
            role_claim: source.value(
                "token-role-claim",
                "/role",
                "JSON pointer to the claim with USER, ADMIN or SERVICE, or a list of roles: /realm_access/roles",
            ),
            longest_life: longest_life(source),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, value: &str) -> Vec<String> {
        let mut source = Source::new([], [(name.to_owned(), value.to_owned())]);
        TokenSettings::read(&mut source);
        source.finish().err().into_iter().flat_map(|errors| errors.0).map(|error| error.name).collect()
    }

    #[test]
    fn a_provider_is_described_by_algorithms_types_and_the_claim_with_the_roles() {
        for (name, value) in [
            ("TOKEN_ALGORITHMS", "RS256, ES256,EdDSA"),
            ("TOKEN_TYPES", "JWT, application/at+jwt"),
            ("TOKEN_ROLE_CLAIM", "/https:~1~1shop.example~1roles"),
            ("TOKEN_LONGEST_LIFE", "90m"),
        ] {
            assert_eq!(complaints(name, value), [""; 0], "{value}");
        }
        for (name, setting, values) in [
            ("TOKEN_ALGORITHMS", "token-algorithms", ["HS256", "none", "", "EdDSA,"]),
            ("TOKEN_TYPES", "token-types", ["", "JWT,", "a b", "application/"]),
            ("TOKEN_ROLE_CLAIM", "token-role-claim", ["", "/", "roles", "realm_access.roles"]),
            ("TOKEN_LONGEST_LIFE", "token-longest-life", ["0s", "25h", "1d", ""]),
        ] {
            values.iter().for_each(|value| assert_eq!(complaints(name, value), [setting], "{value}"));
        }
    }
}
