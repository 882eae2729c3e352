//! The timeline of an order, and the states of the order that a client saw.

use super::facts::Status;

/// One entry of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub version: i64,
    /// `None`: an unknown status.
    pub status: Option<Status>,
    /// Microseconds since 1970.
    pub at: i64,
}

/// A state that a client saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub version: u64,
    pub status: Option<Status>,
}

/// Parses `1 pending 1700000000000000 2 completed …`, the format of the query.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let step = |entry: &[&str]| Step {
        version: entry.first().and_then(|word| word.parse().ok()).unwrap_or(-1),
        status: entry.get(1).and_then(|word| Status::parse(word)),
        at: entry.get(2).and_then(|word| word.parse().ok()).unwrap_or(0),
    };
    words.chunks(3).map(step).collect()
}
