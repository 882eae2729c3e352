//! The public keys that verify tokens.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use tokio::sync::Mutex;

use crate::settings::HttpUrl;

/// Longest fetch of the key set: a request with an unknown key waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The key set cannot be fetched.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the key set at {url} cannot be fetched: {why}")]
pub struct KeySetError {
    url: String,
    why: String,
}

/// Public keys by `kid`. A remote set is fetched on first use and again for an unknown `kid`, at most as
/// often as the settings allow. Fetched keys stay, so tokens are verified while the user service is down.
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

/// The last fetches of the key set.
#[derive(Default)]
struct Fetches {
    last_success: Option<Instant>,
    last_failure: Option<(Instant, KeySetError)>,
}

impl KeySet {
    /// The keys published at `url`, fetched at most once in `min_refresh_interval`.
    ///
    /// # Errors
    /// This machine cannot make an HTTP client.
    pub fn remote(url: HttpUrl, min_refresh_interval: Duration) -> Result<Self, reqwest::Error> {
        // No idle connections: fetches are rare, and come from several runtimes.
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).pool_max_idle_per_host(0).build()?;
        let remote = Remote { url, client, min_refresh_interval, fetches: Mutex::default() };
        Ok(Self(Arc::new(Inner { keys: RwLock::default(), remote: Some(remote) })))
    }

    /// A fixed set: that of the signer itself.
    pub fn fixed(set: &JwkSet) -> Self {
        Self(Arc::new(Inner { keys: RwLock::new(decoding_keys(set)), remote: None }))
    }

    /// The key called `kid`; `None` if the signer lacks it too.
    ///
    /// # Errors
    /// The key is unknown here and the key set cannot be fetched.
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

    /// Fetches the set, one request at a time, so a signer that hangs delays only that request. Another
    /// request with an unknown `kid` is refused at once if there are keys; otherwise it shares the result.
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
            // Only a success delays the next fetch: the next request retries after a failure.
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

/// The Ed25519 keys of a set; only these verify our tokens.
fn decoding_keys(set: &JwkSet) -> HashMap<String, Arc<DecodingKey>> {
    let key = |jwk: &jsonwebtoken::jwk::Jwk| {
        Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
    };
    set.keys.iter().filter_map(key).collect()
}
