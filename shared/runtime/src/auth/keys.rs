use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use tokio::sync::Mutex;

use crate::settings::HttpUrl;

/// A request with an unknown key waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// A failed fetch.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the key set at {url} cannot be fetched: {why}")]
pub struct KeySetError {
    url: String,
    why: String,
}

/// Public keys by `kid`. Fetched keys stay, so tokens are verified while the user service is down.
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

#[derive(Default)]
struct Fetches {
    last_success: Option<Instant>,
    last_failure: Option<(Instant, KeySetError)>,
}

impl KeySet {
    /// The keys at `url`, fetched on first use and for an unknown `kid`.
    pub fn remote(url: HttpUrl, min_refresh_interval: Duration) -> Result<Self, reqwest::Error> {
        // Fetches come from several runtimes, so idle connections are closed.
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).pool_max_idle_per_host(0).build()?;
        let remote = Remote { url, client, min_refresh_interval, fetches: Mutex::default() };
        Ok(Self(Arc::new(Inner { keys: RwLock::default(), remote: Some(remote) })))
    }

    /// The fixed set of the signer itself.
    pub fn fixed(set: &JwkSet) -> Self {
        Self(Arc::new(Inner { keys: RwLock::new(decoding_keys(set)), remote: None }))
    }

    /// The key called `kid`; `None` if the signer lacks it too. Fails if an unknown key cannot be fetched.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, KeySetError> {
        if let Some(key) = self.cached_key(kid) {
            return Ok(Some(key));
        }
        if let Some(remote) = &self.0.remote {
            self.refresh(remote).await?;
        }
        Ok(self.cached_key(kid))
    }

    /// Fetches the set unless some keys are known; for readiness.
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

    /// One fetch at a time. With keys at hand, other requests with an unknown `kid` fail at once; otherwise
    /// they share the result.
    async fn refresh(&self, remote: &Remote) -> Result<(), KeySetError> {
        let asked = Instant::now();
        let mut fetches = match remote.fetches.try_lock() {
            Ok(fetches) => fetches,
            Err(_) if self.has_any() => return Err(remote.error("a fetch is in progress")),
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
            // Only a success delays the next fetch.
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

/// Skips keys without `kid` and unknown kinds.
fn decoding_keys(set: &JwkSet) -> HashMap<String, Arc<DecodingKey>> {
    let key = |jwk: &jsonwebtoken::jwk::Jwk| {
        Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
    };
    set.keys.iter().filter_map(key).collect()
}
