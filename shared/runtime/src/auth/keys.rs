use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use events::Origin;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    Claims, KeyDocument, VerifyingKey,
    fingerprint::fingerprint,
    key_document::{revocation_name, verifying_keys},
};
use crate::{settings::HttpUrl, telemetry::call, tls::http_client};

/// A request with an unknown key waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Unknown kids that are remembered, by their SHA-256. More would only save fetches, which are limited anyway.
const REMEMBERED: usize = 1000;

/// A failed fetch.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the key set at {url} cannot be fetched: {why}")]
pub struct KeySetError {
    url: String,
    why: String,
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
    set: Vec<Jwk>,
    keys: HashMap<String, Arc<VerifyingKey>>,
    not_before: HashMap<Uuid, u64>,
}

struct Remote {
    url: HttpUrl,
    client: reqwest::Client,
    min_refresh_interval: Duration,
    fetches: Mutex<Option<Fetch>>,
    /// The signer lacked them. Known keys are looked up first, so that a later look finds such a key.
    unknown: Cache<[u8; 32], ()>,
}

/// The last one.
struct Fetch {
    at: Instant,
    outcome: Result<(), KeySetError>,
}

impl KeySet {
    /// The keys at `url`, fetched on first use and for an unknown `kid`, at most once in `min_refresh_interval`.
    pub fn remote(url: HttpUrl, min_refresh_interval: Duration) -> Result<Self, reqwest::Error> {
        // Fetches come from several runtimes, so idle connections are closed.
        let client = http_client().timeout(FETCH_TIMEOUT).pool_max_idle_per_host(0).build()?;
        let unknown = Cache::new(REMEMBERED);
        let remote = Remote { url, client, min_refresh_interval, fetches: Mutex::default(), unknown };
        Ok(Self::new(Known::default(), Some(remote)))
    }

    /// The set of the signer itself, which [`Self::replace`] changes.
    pub fn local(set: &JwkSet) -> Self {
        let keys = verifying_keys(set);
        Self::new(Known { set: set.keys.clone(), keys, not_before: HashMap::new() }, None)
    }

    fn new(known: Known, remote: Option<Remote>) -> Self {
        Self(Arc::new(Inner { known: RwLock::new(known), generation: AtomicU64::new(0), remote }))
    }

    /// Forgets keys and revocations that `document` lacks.
    pub fn replace(&self, document: &KeyDocument) {
        let keys = verifying_keys(&document.keys);
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        // Another key may have the name of an old one.
        let same = known.set == document.keys.keys;
        *known = Known { set: document.keys.keys.clone(), keys, not_before: document.not_before.clone() };
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
        let after = |subject: &Uuid| {
            known.not_before.get(&revocation_name(subject)).is_some_and(|time| claims.issued_at() < *time)
        };
        !known.not_before.is_empty() && (after(&claims.sub) || claims.sid.as_ref().is_some_and(after))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key called `kid`; `None` if the signer lacks it too, or cannot be asked at once. Fails if no key at all
    /// is known. `origin`: the request that needs it.
    pub async fn find(&self, kid: &str, origin: &Origin) -> Result<Option<Arc<VerifyingKey>>, KeySetError> {
        if let Some(key) = self.cached_key(kid) {
            return Ok(Some(key));
        }
        let Some(remote) = &self.0.remote else { return Ok(None) };
        let name = fingerprint(kid);
        if remote.unknown.get(&name).is_some() {
            return Ok(None);
        }
        let fetched = match self.refresh(remote, origin).await {
            // An unknown name is no reason to doubt the keys at hand; the watch looks again.
            Err(_) if self.has_any() => return Ok(None),
            fetched => fetched?,
        };
        let key = self.cached_key(kid);
        if fetched && key.is_none() {
            remote.unknown.insert(name, ());
        }
        Ok(key)
    }

    /// Fetches the set unless some keys are known; for readiness.
    pub async fn warm_up(&self) -> Result<(), KeySetError> {
        match &self.0.remote {
            Some(remote) if !self.has_any() => self.refresh(remote, &Origin::root()).await.map(drop),
            _ => Ok(()),
        }
    }

    fn cached_key(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.known().keys.get(kid).cloned()
    }

    fn has_any(&self) -> bool {
        !self.known().keys.is_empty()
    }

    /// One fetch at a time. With keys at hand, other requests with an unknown `kid` fail at once, and a fetch that
    /// failed delays the next one; otherwise they share the result. False if the keys are fresh enough.
    async fn refresh(&self, remote: &Remote, origin: &Origin) -> Result<bool, KeySetError> {
        let asked = Instant::now();
        let mut last = match remote.fetches.try_lock() {
            Ok(last) => last,
            Err(_) if self.has_any() => return Err(remote.error("a fetch is in progress")),
            Err(_) => remote.fetches.lock().await,
        };
        match &*last {
            Some(Fetch { at, outcome: Ok(()) }) if at.elapsed() < remote.min_refresh_interval => {
                return Ok(false);
            }
            Some(Fetch { at, outcome: Err(error) })
                if *at >= asked || (self.has_any() && at.elapsed() < remote.min_refresh_interval) =>
            {
                return Err(error.clone());
            }
            _ => {}
        }
        self.fetch(remote, &mut last, origin).await.map(|()| true)
    }

    /// Fetches the set off the request path; nothing for a local set.
    pub(crate) async fn fetch_again(&self) -> Result<(), KeySetError> {
        let Some(remote) = &self.0.remote else { return Ok(()) };
        let mut last = remote.fetches.lock().await;
        self.fetch(remote, &mut last, &Origin::root()).await
    }

    async fn fetch(
        &self,
        remote: &Remote,
        last: &mut Option<Fetch>,
        origin: &Origin,
    ) -> Result<(), KeySetError> {
        let fetched = remote.fetch(origin).await.map_err(|error| remote.error(error));
        let outcome = fetched.map(|document| self.replace(&document));
        *last = Some(Fetch { at: Instant::now(), outcome: outcome.clone() });
        outcome
    }
}

impl Remote {
    fn error(&self, why: impl ToString) -> KeySetError {
        KeySetError { url: self.url.as_str().to_owned(), why: why.to_string() }
    }

    async fn fetch(&self, origin: &Origin) -> Result<KeyDocument, reqwest::Error> {
        let request = self.client.get(self.url.as_str());
        call(request, origin).await?.error_for_status()?.json().await
    }
}
