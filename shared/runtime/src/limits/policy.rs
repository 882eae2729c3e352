use std::time::Duration;

/// A limit as clients see it: `quota` calls at once, which are whole again after `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// In `RateLimit-Policy` and as the label of `orderflow_limited_total`.
    pub name: &'static str,
    /// At least 1.
    pub quota: u32,
    pub window: Duration,
}

/// A call beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {} in {:?}", policy.quota, policy.window)]
pub struct TooMany {
    pub policy: Policy,
    /// Until the next call is admitted.
    pub wait: Duration,
}

impl Policy {
    /// `quota` calls a minute.
    pub fn a_minute(name: &'static str, quota: u32) -> Self {
        Self { name, quota: quota.max(1), window: Duration::from_secs(60) }
    }

    /// `rate` calls a second, and `burst` at once.
    pub fn a_second(name: &'static str, rate: u32, burst: u32) -> Self {
        let quota = burst.max(1);
        Self { name, quota, window: Duration::from_secs(quota.into()) / rate.max(1) }
    }

    /// Time between two calls that come evenly.
    pub fn interval(self) -> Duration {
        self.window / self.quota
    }

    /// Counts a refusal.
    pub fn refuse(self, wait: Duration) -> TooMany {
        limited(self.name).increment(1);
        TooMany { policy: self, wait }
    }
}

/// Refused calls of a limit.
pub(super) fn limited(name: &'static str) -> metrics::Counter {
    metrics::counter!("orderflow_limited_total", "limit" => name)
}
