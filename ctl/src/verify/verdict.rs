//! The result of `verify`.

use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// I1 to I15, in order.
    pub checks: Vec<Check>,
    /// Why some of it could not be judged yet; empty when the system is quiet.
    pub not_quiet: Vec<String>,
}

/// One invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `I1`
    pub id: &'static str,
    /// `conservation`
    pub name: &'static str,
    /// What was compared, in a few words.
    pub what: &'static str,
    /// How many rows, orders or events were looked at.
    pub looked_at: u64,
    /// How it stands.
    pub judgement: Judgement,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judgement {
    /// Nothing contradicts it.
    Holds,
    /// Something does.
    Broken {
        /// How many offenders there are.
        count: u64,
        /// The first ids, each with what is wrong with it.
        offenders: Vec<String>,
    },
    /// It cannot be judged, or not yet.
    NotJudged {
        /// What is missing.
        why: String,
    },
}

impl Verdict {
    /// Whether nothing is broken. What could not be judged does not count.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The invariants that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.judgement, Judgement::Broken { .. }))
    }
}
