use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// I1 to I15.
    pub checks: Vec<Check>,
    /// Work in flight, unjudged; empty in a quiet system.
    pub not_quiet: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `I1`
    pub id: &'static str,
    /// `conservation`
    pub name: &'static str,
    /// Comparison, in a few words.
    pub what: &'static str,
    /// Rows, orders or events.
    pub looked_at: u64,
    pub judgement: Judgement,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judgement {
    Holds,
    Broken {
        count: u64,
        /// Each an id and its contradiction.
        offenders: Vec<String>,
    },
    /// Missing or incomplete evidence.
    NotJudged {
        why: String,
    },
}

impl Verdict {
    /// Unjudged invariants do not count.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }

    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.judgement, Judgement::Broken { .. }))
    }
}
