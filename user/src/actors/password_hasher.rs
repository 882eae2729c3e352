//! Bounded password hashing: one argon2id hash takes 19 MiB and about 18 ms of a core (OWASP's parameters).
//!
//! ```text
//!   login ──try──> share of the source ──try──> places (running + queue) ──wait──> slots (running) ──> argon2
//!             └──────────> Busy <──────────────────────┘                                        (spawn_blocking)
//! ```
//!
//! Guarantee: one source leaves the other places to others, however much it sends.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier};
use runtime::limits::{Share, Shares};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Password, PasswordHash};

/// The source of passwords that this program reads itself.
pub const OURSELVES: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Clones share the bound.
#[derive(Clone)]
pub struct PasswordHasher {
    shares: Shares<IpAddr>,
    places: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    /// Verified for unknown e-mails: same work, same time.
    decoy: PasswordHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HasherError {
    #[error("too many passwords are being hashed")]
    Busy,
    #[error("the password could not be hashed")]
    Failed,
}

impl PasswordHasher {
    /// Runs `concurrency` hashes at once; `queue` more wait. `share` of them may be of one source.
    ///
    /// # Errors
    /// The machine lacks randomness or 19 MiB of memory.
    pub fn new(concurrency: usize, queue: usize, share: usize) -> Result<Self, HasherError> {
        let decoy = hash(&Password::presented("the password of nobody"))?;
        let places = Arc::new(Semaphore::new(concurrency + queue));
        let slots = Arc::new(Semaphore::new(concurrency));
        Ok(Self { shares: Shares::new("hash-queue", share), places, slots, decoy })
    }

    pub async fn hash(&self, source: IpAddr, password: Password) -> Result<PasswordHash, HasherError> {
        self.run(source, move || hash(&password)).await?
    }

    /// Returns false without a stored hash, after the same time.
    pub async fn verify(
        &self,
        source: IpAddr,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<bool, HasherError> {
        let exists = stored.is_some();
        let against = stored.unwrap_or_else(|| self.decoy.clone());
        let same = self
            .run(source, move || {
                Argon2::default().verify_password(password.expose().as_bytes(), against.as_str()).is_ok()
            })
            .await?;
        Ok(same && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        source: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let share = self.shares.take(source).ok_or(HasherError::Busy)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HasherError::Busy)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| HasherError::Failed)?;
        // The permits move into the task: an abandoned hash keeps its place until it ends.
        let work = move || with_permits((share, place, slot), work);
        tokio::task::spawn_blocking(work).await.map_err(|_| HasherError::Failed)
    }
}

type Permits = (Share<IpAddr>, OwnedSemaphorePermit, OwnedSemaphorePermit);

fn with_permits<T>(_permits: Permits, work: impl FnOnce() -> T) -> T {
    work()
}

fn hash(password: &Password) -> Result<PasswordHash, HasherError> {
    let hash =
        Argon2::default().hash_password(password.expose().as_bytes()).map_err(|_| HasherError::Failed)?;
    Ok(PasswordHash::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn password(text: &str) -> Password {
        Password::presented(text)
    }

    #[actix_rt::test]
    async fn a_password_is_recognised_and_another_one_is_not() {
        let hasher = PasswordHasher::new(2, 4, 6).unwrap();
        let stored = hasher.hash(SOURCE, password("correct horse")).await.unwrap();
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "OWASP's parameters");
        assert_eq!(hasher.verify(SOURCE, password("correct horse"), Some(stored.clone())).await, Ok(true));
        assert_eq!(hasher.verify(SOURCE, password("battery staple"), Some(stored)).await, Ok(false));
    }

    #[actix_rt::test]
    async fn nobody_logs_in_with_the_password_of_nobody() {
        let hasher = PasswordHasher::new(1, 0, 1).unwrap();
        assert_eq!(hasher.verify(SOURCE, password("the password of nobody"), None).await, Ok(false));
    }

    #[actix_rt::test]
    async fn what_exceeds_the_queue_is_refused_and_the_rest_is_done() {
        let hasher = PasswordHasher::new(1, 2, 3).unwrap();
        // All eight ask before the first hash begins.
        let slot = Arc::clone(&hasher.slots).acquire_owned().await.unwrap();
        let hashes = join_all((0..8).map(|_| hasher.hash(SOURCE, password("x"))));
        let (outcomes, ()) = tokio::join!(hashes, async { drop(slot) });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome == Err(HasherError::Busy)).count(), 5);
        assert!(hasher.hash(SOURCE, password("x")).await.is_ok(), "the places are free again");
    }

    #[actix_rt::test]
    async fn one_source_leaves_places_to_others_however_much_it_sends() {
        let hasher = PasswordHasher::new(1, 7, 2).unwrap();
        let flood = join_all((0..80).map(|_| hasher.hash(SOURCE, password("x"))));
        let other = hasher.hash(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), password("x"));
        let (flood, other) = tokio::join!(flood, other);
        assert_eq!(flood.iter().filter(|outcome| outcome.is_ok()).count(), 2);
        assert!(other.is_ok());
    }
}
