use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::retries::Retries;

/// Outlives a panic of the consumer actor.
#[derive(Debug, Default)]
pub(super) struct ConsumerState {
    pub failures: FailedEntries,
    pub retries: Retries,
    /// A panic is attributed to all of them.
    pub in_flight: Vec<Arc<Vec<String>>>,
}

impl ConsumerState {
    pub(super) fn held(&self) -> usize {
        self.retries.len() + self.in_flight.iter().map(|batch| batch.len()).sum::<usize>()
    }

    pub(super) fn known(&self) -> HashSet<&str> {
        self.in_flight
            .iter()
            .flat_map(|batch| batch.iter().map(String::as_str))
            .chain(self.retries.entries())
            .collect()
    }

    pub(super) fn begin_life(&mut self) {
        for entry in std::mem::take(&mut self.in_flight).iter().flat_map(|batch| batch.iter()) {
            self.retries.tried(entry);
        }
    }

    pub(super) fn blame(&mut self, panic: &str) {
        for entry in std::mem::take(&mut self.in_flight).iter().flat_map(|batch| batch.iter()) {
            self.retries.forget(entry); // redelivered at once, and alone after repeated panics
            self.failures.record(entry, panic, true);
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct FailedEntry {
    pub first_error: String,
    pub last_error: String,
    pub first_at: Timestamp,
    /// A panic fails the whole batch.
    pub panicked: bool,
}

/// By entry id; the oldest is dropped beyond the limit.
#[derive(Debug, Default)]
pub(super) struct FailedEntries(BTreeMap<String, FailedEntry>);

/// A larger number indicates an outage.
const FAILURES_REMEMBERED: usize = 10_000;

impl FailedEntries {
    pub(super) fn record(&mut self, id: &str, error: &str, panicked: bool) {
        let fresh = || FailedEntry {
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

    /// The last delivery panicked or ended unobserved: the entry may fail its whole batch.
    pub(super) fn is_suspect(&self, id: &str) -> bool {
        self.0.get(id).is_none_or(|failure| failure.panicked)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<FailedEntry> {
        self.0.remove(id)
    }
}
