use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::histogram::{Histogram, Latency};

#[derive(Debug)]
pub struct LoadStats {
    pub(super) sent: Counter,
    pub(super) accepted: Counter,
    pub(super) unknown: Counter,
    pub(super) open: Counter,
    pub(super) confirmed: Counter,
    pub(super) refunded: Counter,
    pub(super) declined: Counter,
    pub(super) retries: Counter,
    pub(super) unreached: Counter,
    pub(super) resets: Counter,
    pub(super) timeouts: Counter,
    pub(super) slow: Counter,
    pub(super) retry_after_missing: Counter,
    pub(super) not_offered: Counter,
    refused: Mutex<BTreeMap<u16, u64>>,
    statuses: Mutex<BTreeMap<u16, u64>>,
    acceptance: Mutex<Histogram>,
    to_end: Mutex<Histogram>,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl LoadStats {
    pub(super) fn new() -> Self {
        let zero = Counter::default;
        Self {
            sent: zero(),
            accepted: zero(),
            unknown: zero(),
            open: zero(),
            confirmed: zero(),
            refunded: zero(),
            declined: zero(),
            retries: zero(),
            unreached: zero(),
            resets: zero(),
            timeouts: zero(),
            slow: zero(),
            retry_after_missing: zero(),
            not_offered: zero(),
            refused: Mutex::default(),
            statuses: Mutex::default(),
            acceptance: Mutex::new(Histogram::new()),
            to_end: Mutex::new(Histogram::new()),
        }
    }

    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Orders answered with a 2xx.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// By status.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<u16, u64> {
        locked(&self.refused).clone()
    }

    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown.get()
    }

    /// Orders without a final state; zero unless orders are followed.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.get()
    }

    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed.get()
    }

    #[must_use]
    pub fn refunded(&self) -> u64 {
        self.refunded.get()
    }

    #[must_use]
    pub fn declined(&self) -> u64 {
        self.declined.get()
    }

    /// Time from the first attempt, retries included.
    #[must_use]
    pub fn acceptance(&self) -> Latency {
        locked(&self.acceptance).latency()
    }

    /// Time from the first attempt, retries included.
    #[must_use]
    pub fn to_end(&self) -> Latency {
        locked(&self.to_end).latency()
    }

    /// By status, including those that lead to a retry.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        locked(&self.statuses).clone()
    }

    pub(super) fn note_status(&self, status: u16) {
        *locked(&self.statuses).entry(status).or_default() += 1;
    }

    pub(super) fn note_refused(&self, status: u16) {
        *locked(&self.refused).entry(status).or_default() += 1;
    }

    pub(super) fn note_accepted(&self, took: Duration) {
        self.accepted.up();
        locked(&self.acceptance).record(took);
    }

    pub(super) fn note_end(&self, status: &str, took: Duration) {
        self.open.down();
        match status {
            "confirmed" => self.confirmed.up(),
            "refunded" => self.refunded.up(),
            _ => self.declined.up(),
        }
        locked(&self.to_end).record(took);
    }
}

/// Ignores poisoning: a panic while counting loses one count at most.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
