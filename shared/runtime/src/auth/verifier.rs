//! The cache key is SHA-256 of the whole token, so a changed token misses. A hit saves 50 us for the EdDSA
//! signature.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use quick_cache::sync::Cache;

use super::{Claims, KeySet, KeySetError, TOKEN_TYPE};
use crate::auth::TokenSettings;

/// Tolerated clock difference between two machines, in seconds.
const LEEWAY: u64 = 5;

/// Seconds from `iat` to `exp`: the largest `access-token-ttl`.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// The refusal of a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    #[error("the token has expired; log in again")]
    Expired,
    /// Malformed, forged, or for another use.
    #[error("the token is invalid: {0}")]
    Invalid(&'static str),
    /// Its account was changed or its session ended since.
    #[error("the token was revoked; refresh it or log in again")]
    Revoked,
    /// A retry may help.
    #[error("tokens cannot be verified at the moment: {0}")]
    KeysUnavailable(#[from] KeySetError),
}

/// Verifies access tokens; cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    keys: KeySet,
    validation: Arc<Validation>,
    jwks_interval: Duration,
    cache: Arc<Cache<[u8; 32], Verified>>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

#[derive(Clone)]
struct Verified {
    claims: Arc<Claims>,
    /// Of the key set.
    generation: u64,
}

impl Verifier {
    pub fn new(keys: KeySet, settings: &TokenSettings) -> Self {
        Self {
            keys,
            jwks_interval: settings.jwks_interval,
            validation: Arc::new(validation(&settings.issuer, &settings.audience)),
            cache: Arc::new(Cache::new(settings.cache_size)),
            hits: counter("hit"),
            misses: counter("miss"),
        }
    }

    /// The claims of a cached, valid token.
    pub fn cached(&self, token: &str) -> Option<Arc<Claims>> {
        let generation = self.keys.generation();
        let found = self.cache.get(&fingerprint(token)).filter(|found| found.generation == generation);
        let claims = found.map(|found| found.claims);
        let claims = claims.filter(|claims| claims.exp + LEEWAY > now() && !self.keys.revokes(claims));
        if claims.is_some() { &self.hits } else { &self.misses }.increment(1);
        claims
    }

    /// Verifies signature, algorithm, type, issuer, audience and times.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid("it must be a JWT"))?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid("its algorithm must be EdDSA"));
        }
        if header.typ.as_deref() != Some(TOKEN_TYPE) {
            return Err(TokenError::Invalid("it must be an access token (typ at+jwt)"));
        }
        // RFC 7515, 4.1.11: a verifier must refuse extensions unknown to it.
        if header.crit.is_some() {
            return Err(TokenError::Invalid("its header has critical extensions (crit)"));
        }
        // Read first: a key may be retired meanwhile.
        let generation = self.keys.generation();
        let kid = header.kid.ok_or(TokenError::Invalid("it must name a key (kid)"))?;
        let key = self.keys.find(&kid).await?.ok_or(TokenError::Invalid("its key is unknown"))?;
        let claims = Arc::new(decode::<Claims>(token, &key, &self.validation).map_err(reason)?.claims);
        if claims.exp.saturating_sub(claims.iat) > LONGEST_LIFE {
            return Err(TokenError::Invalid("it is valid for more than 24 hours"));
        }
        if self.keys.revokes(&claims) {
            return Err(TokenError::Revoked);
        }
        self.cache.insert(fingerprint(token), Verified { claims: Arc::clone(&claims), generation });
        Ok(claims)
    }

    /// Time between two looks at the keys.
    pub fn jwks_interval(&self) -> Duration {
        self.jwks_interval
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }
}

fn validation(issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // By default a token without `iss` passes the check of the issuer.
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    validation
}

fn reason(error: jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::Invalid("it is not valid yet"),
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => {
            TokenError::Invalid("its issuer or audience is another one")
        }
        ErrorKind::InvalidSignature => TokenError::Invalid("its signature is wrong"),
        _ => TokenError::Invalid("its claims are incomplete or malformed"),
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    key
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn counter(outcome: &'static str) -> metrics::Counter {
    metrics::counter!("orderflow_token_cache_total", "outcome" => outcome)
}
