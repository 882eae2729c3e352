//! The timeline of an order, and the states of it that a client saw.

use super::facts::Status;

/// One entry of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub version: i64,
    /// `None`: no status there is.
    pub status: Option<Status>,
    /// Microseconds since 1970.
    pub at: i64,
}

/// A state as a client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub version: u64,
    pub status: Option<Status>,
}

/// `1 pending 1700000000000000 2 completed …`, as the query writes it.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let step = |entry: &[&str]| Step {
        version: entry.first().and_then(|word| word.parse().ok()).unwrap_or(-1),
        status: entry.get(1).and_then(|word| Status::parse(word)),
        at: entry.get(2).and_then(|word| word.parse().ok()).unwrap_or(0),
    };
    words.chunks(3).map(step).collect()
}
