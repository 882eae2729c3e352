//! The cache key is SHA-256 of the whole token, so a changed token misses. A hit saves 50 us for the EdDSA
//! signature.

use std::{sync::Arc, time::Duration};

use events::Origin;
use jsonwebtoken::decode_header;
use quick_cache::sync::Cache;

use super::{
    Claims, KeySet, TokenError, TokenSettings,
    fingerprint::fingerprint,
    rules::{LEEWAY, Rules, now},
};

/// Verifies access tokens; cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    keys: KeySet,
    rules: Arc<Rules>,
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
            rules: Arc::new(Rules::new(settings)),
            jwks_interval: settings.jwks_interval,
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

    /// As [`Self::verify_during`], outside of a request.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        self.verify_during(&Origin::root(), token).await
    }

    /// Verifies signature, algorithm, type, issuer, audience and times. `origin`: the request that brought the token.
    pub async fn verify_during(&self, origin: &Origin, token: &str) -> Result<Arc<Claims>, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid("it must be a JWT"))?;
        self.rules.check_header(&header)?;
        // Read first: a key may be retired meanwhile.
        let generation = self.keys.generation();
        let kid = header.kid.as_deref().ok_or(TokenError::Invalid("it must name a key (kid)"))?;
        let key = self.keys.find(kid, origin).await?.ok_or(TokenError::Invalid("its key is unknown"))?;
        let claims = Arc::new(self.rules.claims(token, &header, &key)?);
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

fn counter(outcome: &'static str) -> metrics::Counter {
    metrics::counter!("orderflow_token_cache_total", "outcome" => outcome)
}
