//! The public keys tokens are verified with.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use tokio::sync::Mutex;

use crate::settings::HttpUrl;

/// How long a fetch of the key set may take: a request waits for it when its key is unknown.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The key set cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the key set at {url} cannot be fetched: {why}")]
pub struct KeySetError {
    url: String,
    why: String,
}

/// Public keys by `kid`. A remote set is fetched when first needed and again for an unknown `kid`, never more
/// often than the settings allow; what was fetched stays, so that tokens are verified while the user service
/// is down.
#[derive(Clone)]
pub struct KeySet(Arc<Inner>);

struct Inner {
    keys: RwLock<HashMap<String, Arc<DecodingKey>>>,
    remote: Option<Remote>,
}

struct Remote {
    url: HttpUrl,
    client: reqwest::Client,
    min_refresh_interval: Duration,
    fetches: Mutex<Fetches>,
}

/// When the signer was asked last.
#[derive(Default)]
struct Fetches {
    last_success: Option<Instant>,
    last_failure: Option<(Instant, KeySetError)>,
}

impl KeySet {
    /// The keys published at `url`.
    ///
    /// # Errors
    /// No HTTP client can be made on this machine.
    pub fn remote(url: HttpUrl, min_refresh_interval: Duration) -> Result<Self, reqwest::Error> {
        // No idle connections: the set is asked for from several runtimes, and seldom.
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).pool_max_idle_per_host(0).build()?;
        let remote = Remote { url, client, min_refresh_interval, fetches: Mutex::default() };
        Ok(Self(Arc::new(Inner { keys: RwLock::default(), remote: Some(remote) })))
    }

    /// Keys that are known beforehand: those of the signer itself.
    pub fn fixed(set: &JwkSet) -> Self {
        Self(Arc::new(Inner { keys: RwLock::new(decoding_keys(set)), remote: None }))
    }

    /// The key called `kid`; `None` when the signer does not know it either.
    ///
    /// # Errors
    /// It is not known here and the key set cannot be fetched.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, KeySetError> {
        if let Some(key) = self.cached_key(kid) {
            return Ok(Some(key));
        }
        if let Some(remote) = &self.0.remote {
            self.refresh(remote).await?;
        }
        Ok(self.cached_key(kid))
    }

    /// Fetches the set once if nothing was fetched yet; for readiness.
    ///
    /// # Errors
    /// The key set cannot be fetched.
    pub async fn warm_up(&self) -> Result<(), KeySetError> {
        match &self.0.remote {
            Some(remote) if !self.has_any() => self.refresh(remote).await,
            _ => Ok(()),
        }
    }

    fn cached_key(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    fn has_any(&self) -> bool {
        !self.0.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Fetches the set, one request at a time. A signer that hangs costs that one request its patience.
    /// Another request with an unknown `kid` is refused at once when there are keys, and shares the outcome
    /// when there are none.
    async fn refresh(&self, remote: &Remote) -> Result<(), KeySetError> {
        let asked = Instant::now();
        let mut fetches = match remote.fetches.try_lock() {
            Ok(fetches) => fetches,
            Err(_) if self.has_any() => return Err(remote.error("it is being fetched right now")),
            Err(_) => remote.fetches.lock().await,
        };
        if fetches.last_success.is_some_and(|last| last.elapsed() < remote.min_refresh_interval) {
            return Ok(());
        }
        if let Some((at, error)) = &fetches.last_failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        match remote.fetch().await {
            // Only a success holds back the next fetch: a signer that was down is asked again by the next
            // request.
            Ok(set) => {
                fetches.last_success = Some(Instant::now());
                *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = decoding_keys(&set);
                Ok(())
            }
            Err(error) => {
                let error = remote.error(error);
                fetches.last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl Remote {
    fn error(&self, why: impl ToString) -> KeySetError {
        KeySetError { url: self.url.as_str().to_owned(), why: why.to_string() }
    }

    async fn fetch(&self) -> Result<JwkSet, reqwest::Error> {
        self.client.get(self.url.as_str()).send().await?.error_for_status()?.json().await
    }
}

/// The Ed25519 keys of a set; others cannot verify a token of ours.
fn decoding_keys(set: &JwkSet) -> HashMap<String, Arc<DecodingKey>> {
    let key = |jwk: &jsonwebtoken::jwk::Jwk| {
        Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
    };
    set.keys.iter().filter_map(key).collect()
}
