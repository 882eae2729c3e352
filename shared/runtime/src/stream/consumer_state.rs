//! The state that the lives of one consumer share: failures, retries, entries in hand.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::retries::Retries;

/// The state that one life of a consumer actor hands on to the next. The process loses it when it ends, which
/// costs a dead letter its errors.
#[derive(Debug, Default)]
pub(super) struct ConsumerState {
    pub failures: Failures,
    pub retries: Retries,
    /// Entries that are being worked on: a panic is their fault, as far as anybody can tell.
    pub in_hand: Vec<Arc<Vec<String>>>,
}

impl ConsumerState {
    /// Entries in hand and entries that wait for another try: what counts against the budget of a consumer.
    pub(super) fn held(&self) -> usize {
        self.retries.len() + self.in_hand.iter().map(|batch| batch.len()).sum::<usize>()
    }

    /// The entries that this consumer works on, or will by itself.
    pub(super) fn known(&self) -> HashSet<&str> {
        self.in_hand
            .iter()
            .flat_map(|batch| batch.iter().map(String::as_str))
            .chain(self.retries.entries())
            .collect()
    }

    /// Forgets what a life had in hand that was ended in the middle of it: its entries are found pending.
    pub(super) fn begin_life(&mut self) {
        for entry in std::mem::take(&mut self.in_hand).iter().flat_map(|batch| batch.iter()) {
            self.retries.tried(entry);
        }
    }

    /// Notes that the handler panicked over the entries it had in hand.
    pub(super) fn blame(&mut self, panic: &str) {
        for entry in std::mem::take(&mut self.in_hand).iter().flat_map(|batch| batch.iter()) {
            self.retries.forget(entry); // it is delivered again at once, alone if it happens again
            self.failures.record(entry, panic, true);
        }
    }
}

/// What is known about an entry that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub first_error: String,
    pub last_error: String,
    pub first_at: Timestamp,
    /// The last error was a panic: it takes along what is handled beside it.
    pub panicked: bool,
}

/// Failures by entry id. Bounded: past the limit the oldest entry is forgotten, and its dead letter has one
/// error less.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, Failure>);

/// More failing entries than this at one time are an outage, not poison.
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

    /// Whether an entry that is delivered again may take others along: nobody saw how its last delivery
    /// ended, or it panicked.
    pub(super) fn is_suspect(&self, id: &str) -> bool {
        self.0.get(id).is_none_or(|failure| failure.panicked)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Failure> {
        self.0.remove(id)
    }
}
