//! The result of `verify`.

use serde::Serialize;

/// The verdict on all invariants.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// I1 to I15, in order.
    pub checks: Vec<Check>,
    /// The work in flight that could not be judged; empty in a quiet system.
    pub not_quiet: Vec<String>,
}

/// The judgement of one invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `I1`
    pub id: &'static str,
    /// `conservation`
    pub name: &'static str,
    /// The comparison, in a few words.
    pub what: &'static str,
    /// The number of rows, orders or events compared.
    pub looked_at: u64,
    /// The judgement.
    pub judgement: Judgement,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judgement {
    /// All compared values agree.
    Holds,
    /// Some values contradict the invariant.
    Broken {
        /// The number of offenders.
        count: u64,
        /// The first offenders: an id and its contradiction.
        offenders: Vec<String>,
    },
    /// The evidence is missing or incomplete.
    NotJudged {
        /// The missing evidence.
        why: String,
    },
}

impl Verdict {
    /// Whether no invariant is broken; the ones not judged do not count.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The broken invariants.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.judgement, Judgement::Broken { .. }))
    }
}
