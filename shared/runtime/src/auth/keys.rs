use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::Claims;
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

/// The published key set of a signer. RFC 7517 allows further members.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyDocument {
    #[serde(flatten)]
    pub keys: JwkSet,
    /// Tokens of these accounts and sessions that were issued before this Unix time in milliseconds are revoked.
    #[serde(default)]
    pub not_before: HashMap<Uuid, u64>,
}

/// Public keys by `kid`, and what was revoked. Both stay, so tokens are verified while the user service is down.
#[derive(Clone)]
pub struct KeySet(Arc<Inner>);

struct Inner {
    known: RwLock<Known>,
    /// Rises when the keys change.
    generation: AtomicU64,
    remote: Option<Remote>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    not_before: HashMap<Uuid, u64>,
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
        Ok(Self::new(Known::default(), Some(remote)))
    }

    /// The set of the signer itself, which [`Self::replace`] changes.
    pub fn local(set: &JwkSet) -> Self {
        Self::new(Known { keys: decoding_keys(set), not_before: HashMap::new() }, None)
    }

    fn new(known: Known, remote: Option<Remote>) -> Self {
        Self(Arc::new(Inner { known: RwLock::new(known), generation: AtomicU64::new(0), remote }))
    }

    /// Forgets keys and revocations that `document` lacks.
    pub fn replace(&self, document: &KeyDocument) {
        let keys = decoding_keys(&document.keys);
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let same = known.keys.len() == keys.len() && keys.keys().all(|kid| known.keys.contains_key(kid));
        *known = Known { keys, not_before: document.not_before.clone() };
        if !same {
            self.0.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// Tokens verified in an earlier generation may be of a retired key.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// True for a token of an account or session that was revoked after it was issued.
    pub(super) fn revokes(&self, claims: &Claims) -> bool {
        let known = self.known();
        let after =
            |subject: &Uuid| known.not_before.get(subject).is_some_and(|time| claims.issued_at() < *time);
        !known.not_before.is_empty() && (after(&claims.sub) || claims.sid.as_ref().is_some_and(after))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
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
        self.known().keys.get(kid).cloned()
    }

    fn has_any(&self) -> bool {
        !self.known().keys.is_empty()
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
        self.fetch(remote, &mut fetches).await
    }

    /// Fetches the set off the request path; nothing for a local set.
    pub(crate) async fn fetch_again(&self) -> Result<(), KeySetError> {
        let Some(remote) = &self.0.remote else { return Ok(()) };
        let mut fetches = remote.fetches.lock().await;
        self.fetch(remote, &mut fetches).await
    }

    async fn fetch(&self, remote: &Remote, fetches: &mut Fetches) -> Result<(), KeySetError> {
        match remote.fetch().await {
            // Only a success delays the next fetch.
            Ok(document) => {
                fetches.last_success = Some(Instant::now());
                self.replace(&document);
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

    async fn fetch(&self) -> Result<KeyDocument, reqwest::Error> {
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
