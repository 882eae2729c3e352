//! The invariants I1 to I11: judged from the three databases, the provider's books, the streams and a client's log.
//!
//! It only reads. On a live system it judges what can be judged and says what cannot before it is quiet.

use std::path::PathBuf;

use serde::Serialize;

/// Where the truth is.
#[derive(Debug, Clone)]
pub struct Sources {
    pub user_database: String,
    pub inventory_database: String,
    pub payment_database: String,
    pub redis: String,
}

/// What else is known.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// For I3, I6 (polled states), I8, I9 and I11.
    pub client_log: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
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
    pub judgement: Judgement,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judgement {
    Holds,
    /// `offenders`: the first ids, each with what is wrong with it; `count`: all of them.
    Broken {
        count: u64,
        offenders: Vec<String>,
    },
    /// And why.
    NotJudged {
        why: String,
    },
}
