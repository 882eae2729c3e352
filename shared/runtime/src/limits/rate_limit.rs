//! The generic cell rate algorithm (GCRA, ITU-T I.371): one moment a key says all.
//!
//! ```text
//!                      window
//!        ├───────────────────────────────────┤
//!   ─────┼─────────────────┼─────────────────┼──> time
//!       now              whole          a call with `whole` beyond here is refused
//!                          └> each call moves it by window / quota
//! ```

use std::{
    convert::Infallible,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use super::{Policy, TooMany, policy::limited};

/// 10 MB. More clients at a time than one process serves.
const MOST_KEYS: usize = 100_000;

/// Calls by key; cheap to clone, and clones count together. A lookup and an atomic addition a call.
#[derive(Clone)]
pub struct RateLimit<K> {
    policy: Policy,
    started: Instant,
    /// The moment at which the allowance of a key is whole, in nanoseconds since `started`.
    whole: Arc<Cache<K, Arc<AtomicU64>>>,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// No key has called yet.
    pub fn new(policy: Policy) -> Self {
        _ = limited(policy.name); // shows 0
        Self { policy, started: Instant::now(), whole: Arc::new(Cache::new(MOST_KEYS)) }
    }

    /// Counts one call of `key`, unless it is one too many.
    pub fn admit(&self, key: K) -> Result<(), TooMany> {
        self.admit_at(key, self.started.elapsed()).map_err(|wait| self.policy.refuse(wait))
    }

    /// The policy.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// `now` since `started`. An error is the time to wait.
    fn admit_at(&self, key: K, now: Duration) -> Result<(), Duration> {
        let whole = self.whole_of(&key);
        let [now, interval, window] = [now, self.policy.interval(), self.policy.window].map(nanoseconds);
        let next = |whole: u64| {
            let next = whole.max(now) + interval;
            (next <= now + window).then_some(next)
        };
        whole
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(drop)
            .map_err(|whole| Duration::from_nanos((whole + interval).saturating_sub(now + window)))
    }

    fn whole_of(&self, key: &K) -> Arc<AtomicU64> {
        let fresh = || Ok::<_, Infallible>(Arc::default());
        self.whole.get_or_insert_with(key, fresh).unwrap_or_else(|never| match never {})
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn admitted(limit: &RateLimit<&'static str>, key: &'static str, now: Duration, calls: usize) -> usize {
        (0..calls).filter(|_| limit.admit_at(key, now).is_ok()).count()
    }

    #[test]
    fn a_quota_is_good_at_once_and_comes_back_evenly() {
        let limit = RateLimit::new(Policy::a_minute("test", 6));
        assert_eq!(admitted(&limit, "a", SECOND, 20), 6);
        assert_eq!(limit.admit_at("a", SECOND), Err(10 * SECOND));
        assert_eq!(admitted(&limit, "a", 10 * SECOND, 20), 0, "a second too early");
        assert_eq!(admitted(&limit, "a", 31 * SECOND, 20), 3, "half a minute, half of the quota");
        assert_eq!(admitted(&limit, "a", 1000 * SECOND, 20), 6, "more than the quota is never saved");
    }

    #[test]
    fn a_refused_call_makes_the_wait_no_longer() {
        let limit = RateLimit::new(Policy::a_minute("test", 1));
        assert_eq!(admitted(&limit, "a", SECOND, 1000), 1);
        assert_eq!(limit.admit_at("a", SECOND), Err(60 * SECOND));
        assert_eq!(admitted(&limit, "a", 61 * SECOND, 1), 1);
    }

    #[test]
    fn one_key_takes_nothing_from_another() {
        let limit = RateLimit::new(Policy::a_second("test", 5, 10));
        assert_eq!(admitted(&limit, "a", SECOND, 1000), 10);
        assert_eq!(admitted(&limit, "b", SECOND, 1000), 10);
        assert_eq!(admitted(&limit, "a", 2 * SECOND, 1000), 5);
    }

    #[test]
    fn memory_stays_bounded_whatever_the_number_of_keys() {
        let limit = RateLimit::new(Policy::a_minute("test", 1));
        (0..3 * MOST_KEYS).for_each(|key| _ = limit.admit_at(key, SECOND));
        assert!(limit.whole.len() <= MOST_KEYS);
    }
}
