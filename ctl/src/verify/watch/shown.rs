//! `GET /invariants`, as JSON.

use jiff::Timestamp;
use serde::Serialize;

use super::board::Board;
use super::options::Options;
use super::state::{Change, State, Verdict};
use crate::verify::findings::Invariant;

/// Findings of an invariant that are shown.
const FINDINGS: usize = 10;
const BY_CHAOS_RUNS: &str = "judged by chaos runs only";
const FOREIGN_ACCOUNTS: &str = "the accounts are those of another identity provider";

#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    pub at: Timestamp,
    pub interval_seconds: f64,
    pub orders_checked: u64,
    pub open_orders: usize,
    /// When the walk over all orders ended last.
    pub all_checked_at: Option<Timestamp>,
    /// I1 to I15.
    pub invariants: Vec<ShownInvariant>,
    /// Newest first.
    pub history: Vec<Change>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ShownInvariant {
    id: &'static str,
    name: &'static str,
    /// In one sentence.
    says: &'static str,
    verdict: Verdict,
    /// Of this verdict.
    since: Option<Timestamp>,
    checked_at: Option<Timestamp>,
    /// Why it is unknown or not watched.
    why: Option<String>,
    findings_count: usize,
    findings: Vec<ShownFinding>,
}

#[derive(Debug, Clone, Serialize)]
struct ShownFinding {
    text: String,
    since: Timestamp,
}

impl Shown {
    pub(super) fn new(board: &Board, options: &Options, at: Timestamp) -> Self {
        Self {
            at,
            interval_seconds: options.interval.as_secs_f64(),
            orders_checked: 0,
            open_orders: 0,
            all_checked_at: None,
            invariants: board.states().map(|(invariant, state)| shown(invariant, state)).collect(),
            history: board.history().cloned().collect(),
        }
    }
}

fn shown(invariant: Invariant, state: &State) -> ShownInvariant {
    let is_watched = state.verdict != Verdict::NotWatched;
    let findings = state.findings();
    let failure = state.failure().filter(|_| state.verdict == Verdict::Unknown);
    let not_yet = (state.verdict == Verdict::Unknown).then_some("not looked at yet");
    let why = match invariant {
        _ if is_watched => failure.or(not_yet),
        Invariant::NoGhosts => Some(FOREIGN_ACCOUNTS),
        _ => Some(BY_CHAOS_RUNS),
    };
    ShownInvariant {
        id: invariant.id(),
        name: invariant.name(),
        says: says(invariant),
        verdict: state.verdict,
        since: is_watched.then_some(state.since),
        checked_at: state.checked_at(),
        why: why.map(str::to_owned),
        findings_count: findings.len(),
        findings: findings
            .iter()
            .take(FINDINGS)
            .map(|finding| ShownFinding { text: finding.text.clone(), since: finding.since })
            .collect(),
    }
}

/// Each in one sentence, for somebody who sees it the first time.
fn says(invariant: Invariant) -> &'static str {
    match invariant {
        Invariant::Conservation => {
            "Stock on hand is the sum of its ledger, and confirmed orders took theirs."
        }
        Invariant::NoOversell => "No product was ever sold beyond its stock.",
        Invariant::Durable => "An accepted order exists, as it was sent.",
        Invariant::OneEnd => "Every order ends exactly once, and something works on each open one.",
        Invariant::Money => "A paid order was charged once; a refunded one got all of it back, once.",
        Invariant::History => "The timeline of an order is complete, legal and in order.",
        Invariant::Once => "Every event had its effect exactly once.",
        Invariant::Idempotency => "An idempotency key of a user has one order.",
        Invariant::NoGhosts => "Every order belongs to an account.",
        Invariant::Agreement => "An order is confirmed if its stock was taken, and refunded if it was not.",
        Invariant::DeadLetters => "Dead letters are exactly the poison messages that were sent.",
        Invariant::Catalogues => "The catalogue of payment is that of inventory.",
        Invariant::Progress => "A fault that touches one thing holds up nothing else.",
        Invariant::Readiness => "An instance says that it is ready if it can work.",
        Invariant::Bounds => "Memory, rows and connections stay bounded.",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_invariants_are_listed_and_those_of_chaos_runs_say_so() {
        let at = Timestamp::UNIX_EPOCH;
        let options = Options {
            interval: Duration::from_secs(10),
            sample: 200,
            all_within: Duration::from_secs(86_400),
            catalogue_delay: Duration::from_secs(120),
            foreign_accounts: true,
        };
        let shown = Shown::new(&Board::new(at, options.parts()), &options, at);
        let json = serde_json::to_value(&shown).expect("JSON");
        let invariants = json["invariants"].as_array().expect("a list");
        assert_eq!(invariants.len(), 15);
        let not_watched: Vec<&str> = invariants
            .iter()
            .filter(|invariant| invariant["verdict"] == "not-watched")
            .filter_map(|invariant| invariant["id"].as_str())
            .collect();
        assert_eq!(not_watched, ["I3", "I9", "I11", "I13", "I14", "I15"]);
        assert_eq!(invariants[2]["why"], BY_CHAOS_RUNS);
        assert_eq!(
            (&invariants[0]["verdict"], &invariants[0]["why"]),
            (&"unknown".into(), &"not looked at yet".into())
        );
    }
}
