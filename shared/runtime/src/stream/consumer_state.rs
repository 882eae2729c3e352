//! State shared by the lives of one consumer: failures, retries, entries in flight.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::retries::Retries;

/// State passed from one life of a consumer actor to the next. A process restart loses the recorded errors.
#[derive(Debug, Default)]
pub(super) struct ConsumerState {
    pub failures: Failures,
    pub retries: Retries,
    /// Entries being handled; a panic is attributed to all of them.
    pub in_hand: Vec<Arc<Vec<String>>>,
}

impl ConsumerState {
    /// Counts entries in flight or awaiting retry, for the consumer's budget.
    pub(super) fn held(&self) -> usize {
        self.retries.len() + self.in_hand.iter().map(|batch| batch.len()).sum::<usize>()
    }

    /// Entries in flight or awaiting retry.
    pub(super) fn known(&self) -> HashSet<&str> {
        self.in_hand
            .iter()
            .flat_map(|batch| batch.iter().map(String::as_str))
            .chain(self.retries.entries())
            .collect()
    }

    pub(super) fn begin_life(&mut self) {
        for entry in std::mem::take(&mut self.in_hand).iter().flat_map(|batch| batch.iter()) {
            self.retries.tried(entry);
        }
    }

    /// Records a panic as the failure of all entries in flight.
    pub(super) fn blame(&mut self, panic: &str) {
        for entry in std::mem::take(&mut self.in_hand).iter().flat_map(|batch| batch.iter()) {
            self.retries.forget(entry); // redelivered at once, and alone after repeated panics
            self.failures.record(entry, panic, true);
        }
    }
}

/// The recorded errors of a failed entry.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub first_error: String,
    pub last_error: String,
    pub first_at: Timestamp,
    /// Whether the last error was a panic, which fails the whole batch.
    pub panicked: bool,
}

/// Failures by entry id. Beyond the limit the oldest is dropped.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, Failure>);

/// Limit of [`Failures`]: a larger number at one time indicates an outage.
const FAILURES_REMEMBERED: usize = 10_000;

impl Failures {
    pub(super) fn record(&mut self, id: &str, error: &str, panicked: bool) {
        let fresh = || Failure {
            first_error: error.to_owned(),
            last_error: String::new(),
            first_at: Timestamp::now(),
            panicked,
        };
        let failure = self.0.entry(id.to_owned()).or_insert_with(fresh);
        (failure.last_error, failure.panicked) = (error.to_owned(), panicked);
        if self.0.len() > FAILURES_REMEMBERED {
            self.0.pop_first();
        }
    }

    /// Whether a redelivered entry may fail its whole batch: its last delivery panicked or ended unobserved.
    pub(super) fn is_suspect(&self, id: &str) -> bool {
        self.0.get(id).is_none_or(|failure| failure.panicked)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Failure> {
        self.0.remove(id)
    }
}
