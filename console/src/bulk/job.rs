use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::api::dead_letters::Group;

/// The failures that a page shows; all are counted.
const KEPT: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Redrive,
    /// For good; the audit trail keeps the reason.
    Discard {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Chosen(Vec<String>),
    /// Letters of a group among the oldest letters of its stream.
    All {
        group: Group,
        of_oldest: u64,
    },
}

/// An act on many letters, and its progress.
#[derive(Debug)]
pub struct Job {
    pub act: Act,
    pub scope: Scope,
    progress: Mutex<Progress>,
    is_stopped: AtomicBool,
}

#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The letters that were looked at, of `total`.
    pub looked: u64,
    pub total: u64,
    pub done: u64,
    /// Somebody else was faster.
    pub gone: u64,
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failed>,
    end: Option<End>,
}

#[derive(Debug, Clone)]
pub struct Failed {
    pub id: String,
    pub why: String,
}

#[derive(Debug, Clone)]
pub enum End {
    Done,
    Stopped,
    GaveUp(String),
}

/// The result for one letter.
pub enum Outcome {
    Done,
    Gone,
    Failed(String),
}

impl Act {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Redrive => "Redrive",
            Self::Discard { .. } => "Discard",
        }
    }

    pub fn done(&self) -> &'static str {
        match self {
            Self::Redrive => "went out again",
            Self::Discard { .. } => "are discarded",
        }
    }
}

impl Job {
    pub fn new(act: Act, scope: Scope) -> Self {
        let total = match &scope {
            Scope::Chosen(ids) => ids.len() as u64,
            Scope::All { of_oldest, .. } => *of_oldest,
        };
        let progress = Mutex::new(Progress { total, ..Progress::default() });
        Self { act, scope, progress, is_stopped: AtomicBool::new(false) }
    }

    pub fn title(&self) -> String {
        let verb = self.act.verb();
        match &self.scope {
            Scope::Chosen(_) => format!("{verb} chosen dead letters"),
            Scope::All { group, .. } => format!("{verb} all of {}: {}", group.stream, group.reason),
        }
    }

    pub fn progress(&self) -> Progress {
        self.lock().clone()
    }

    /// Ends the job after the letters in hand.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    pub(super) fn looked_at(&self, letters: u64) {
        self.lock().looked += letters;
    }

    pub(super) fn take(&self, id: String, outcome: Outcome) {
        let mut progress = self.lock();
        match outcome {
            Outcome::Done => progress.done += 1,
            Outcome::Gone => progress.gone += 1,
            Outcome::Failed(why) => {
                progress.failed += 1;
                if progress.failures.len() < KEPT {
                    progress.failures.push(Failed { id, why });
                }
            }
        }
    }

    pub(super) fn end(&self, end: End) {
        self.lock().end = Some(end);
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    pub fn words(&self) -> String {
        match &self.end {
            None => format!("running: {} of {} looked at", self.looked, self.total),
            Some(End::Done) => "finished".to_owned(),
            Some(End::Stopped) => format!("stopped after {} of {}", self.looked, self.total),
            Some(End::GaveUp(why)) => format!("ended early: {why}"),
        }
    }

    /// A name for the style sheet.
    pub fn class(&self) -> &'static str {
        match &self.end {
            None | Some(End::Done) if self.failed == 0 => "well",
            Some(End::GaveUp(_)) => "down",
            _ => "late",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_counts_all_failures_and_keeps_the_first() {
        let job = Job::new(Act::Redrive, Scope::Chosen(vec!["one".to_owned()]));
        (0..250).for_each(|n| job.take(n.to_string(), Outcome::Failed("refused".to_owned())));
        let progress = job.progress();
        assert_eq!((progress.failed, progress.failures.len()), (250, KEPT));
        assert!(!progress.is_over());
        job.end(End::Done);
        assert_eq!((job.progress().words().as_str(), job.progress().class()), ("finished", "late"));
    }
}
