use super::facts::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub version: i64,
    /// `None`: unknown.
    pub status: Option<Status>,
    /// Microseconds since 1970.
    pub at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub version: u64,
    pub status: Option<Status>,
}

/// `1 pending 1700000000000000 2 completed …`, from the query.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let step = |entry: &[&str]| Step {
        version: entry.first().and_then(|word| word.parse().ok()).unwrap_or(-1),
        status: entry.get(1).and_then(|word| Status::parse(word)),
        at: entry.get(2).and_then(|word| word.parse().ok()).unwrap_or(0),
    };
    words.chunks(3).map(step).collect()
}
