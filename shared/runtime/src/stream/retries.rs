//! Retries of pending entries, each with its own due time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Doubled on each attempt.
const FIRST: Duration = Duration::from_millis(100);
/// An order must reach its final state within 15 s of the end of an outage.
const LONGEST: Duration = Duration::from_secs(2);
/// Factor on both delays: handler failures use up deliveries.
const FAILED_FACTOR: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Excluded from the delivery count.
    Environment,
    /// Counted as a delivery.
    Failed,
}

#[derive(Debug)]
struct Retry {
    attempts: u32,
    due: Instant,
    since: Instant,
    why: Why,
    in_flight: bool,
}

#[derive(Debug, Default)]
pub(super) struct Retries {
    entries: HashMap<String, Retry>,
    /// True from a batch that the environment failed entirely until the next success.
    is_away: bool,
}

impl Retries {
    pub(super) fn postpone(&mut self, entry: &str, why: Why, now: Instant) {
        let retry = self.entries.entry(entry.to_owned()).or_insert(Retry {
            attempts: 0,
            due: now,
            since: now,
            why,
            in_flight: false,
        });
        let first = if why == Why::Failed { FIRST * FAILED_FACTOR } else { FIRST };
        let wait = first.saturating_mul(1 << retry.attempts.min(16));
        let longest = if why == Why::Failed { LONGEST * FAILED_FACTOR } else { LONGEST };
        (retry.why, retry.due, retry.in_flight) = (why, now + wait.min(longest), false);
        retry.attempts += 1;
    }

    pub(super) fn environment_is_away(&mut self) {
        self.is_away = true;
    }

    /// Entries awaiting the environment become due at once after an outage.
    pub(super) fn environment_is_there(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_away) {
            self.entries
                .values_mut()
                .filter(|retry| retry.why == Why::Environment)
                .for_each(|retry| retry.due = now);
        }
    }

    pub(super) fn take(&mut self, entry: &str) {
        if let Some(retry) = self.entries.get_mut(entry) {
            retry.in_flight = true;
        }
    }

    /// Keeps an entry that was postponed again.
    pub(super) fn tried(&mut self, entry: &str) {
        if self.entries.get(entry).is_some_and(|retry| retry.in_flight) {
            self.entries.remove(entry);
        }
    }

    pub(super) fn forget(&mut self, entry: &str) {
        self.entries.remove(entry);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Sorted by id.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        let mut due: Vec<String> =
            self.waiting().filter(|(_, retry)| retry.due <= now).map(|(entry, _)| entry.clone()).collect();
        due.sort_unstable();
        due
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting().map(|(_, retry)| retry.due).min()
    }

    pub(super) fn younger_than(&self, patience: Duration, now: Instant) -> impl Iterator<Item = &String> {
        self.waiting()
            .filter(move |(_, retry)| now.duration_since(retry.since) < patience)
            .map(|(entry, _)| entry)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting().count()
    }

    fn waiting(&self) -> impl Iterator<Item = (&String, &Retry)> {
        self.entries.iter().filter(|(_, retry)| !retry.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retries: &Retries, now: Instant) -> Duration {
        retries.next_due().expect("one waits").duration_since(now)
    }

    #[test]
    fn each_entry_waits_longer_each_time_up_to_a_limit_of_its_kind() {
        let mut retries = Retries::default();
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..6 {
            retries.take("1-0");
            retries.postpone("1-0", Why::Environment, now);
            retries.tried("1-0");
            waits.push(wait(&retries, now).as_millis());
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000]);
        retries.take("1-0");
        retries.tried("1-0");
        retries.postpone("2-0", Why::Failed, now);
        assert_eq!(wait(&retries, now), FIRST * FAILED_FACTOR);
    }

    #[test]
    fn when_the_environment_is_back_all_that_wait_for_it_are_due_and_a_failure_is_not() {
        let mut retries = Retries::default();
        let now = Instant::now();
        retries.postpone("1-0", Why::Environment, now);
        retries.postpone("2-0", Why::Failed, now);
        retries.environment_is_there(now);
        assert!(retries.due(now).is_empty(), "one stuck entry is not hurried by every success of others");
        retries.environment_is_away();
        retries.environment_is_there(now);
        assert_eq!(retries.due(now), ["1-0"]);
    }
}
