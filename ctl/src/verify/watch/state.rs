//! What is known about one invariant.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::part::{Part, Report};
use crate::verify::findings::{About, Invariant, Offender};

/// Findings of an invariant that are followed; a walk finds the others again.
const FOLLOWED: usize = 1000;
/// Looks after which a finding counts.
const TWICE: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Ok,
    Broken,
    /// Not looked at, or the last look got no answer.
    Unknown,
    /// Needs a client log, or the samples of a chaos run.
    NotWatched,
}

#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub text: String,
    pub since: Timestamp,
    /// Looks that found it, up to [`TWICE`].
    seen: u32,
}

impl Finding {
    pub(super) fn is_certain(&self) -> bool {
        self.seen >= TWICE
    }
}

#[derive(Debug, Default)]
struct PartState {
    checked_at: Option<Timestamp>,
    failure: Option<String>,
}

#[derive(Debug)]
pub(super) struct State {
    pub verdict: Verdict,
    pub since: Timestamp,
    findings: BTreeMap<About, Finding>,
    parts: BTreeMap<Part, PartState>,
}

/// A verdict that became another one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Change {
    pub at: Timestamp,
    pub invariant: &'static str,
    pub was: Verdict,
    pub verdict: Verdict,
    /// A finding, or the reason of an unknown verdict.
    pub why: Option<String>,
}

impl State {
    pub(super) fn new(at: Timestamp, parts: impl Iterator<Item = Part>) -> Self {
        let parts: BTreeMap<_, _> = parts.map(|part| (part, PartState::default())).collect();
        let verdict = if parts.is_empty() { Verdict::NotWatched } else { Verdict::Unknown };
        Self { verdict, since: at, findings: BTreeMap::new(), parts }
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.contains_key(&part)
    }

    /// With those that a first look found.
    pub(super) fn all_findings(&self) -> impl Iterator<Item = (&About, &Finding)> {
        self.findings.iter()
    }

    /// What counts, oldest first.
    pub(super) fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> =
            self.findings.values().filter(|finding| finding.is_certain()).collect();
        findings.sort_by_key(|finding| finding.since);
        findings
    }

    /// The part that was looked at longest ago decides.
    pub(super) fn checked_at(&self) -> Option<Timestamp> {
        self.parts.values().map(|part| part.checked_at).min().flatten()
    }

    /// Why it is unknown.
    pub(super) fn failure(&self) -> Option<&str> {
        self.parts.values().find_map(|part| part.failure.as_deref())
    }

    pub(super) fn judge(&mut self, invariant: Invariant, part: Part, report: &Report, at: Timestamp) {
        if let Some(state) = self.parts.get_mut(&part) {
            *state = PartState { checked_at: Some(at), failure: None };
        }
        let found: BTreeMap<&About, &Offender> = report
            .offenders
            .iter()
            .filter(|(of, _)| *of == invariant)
            .map(|(_, offender)| (&offender.about, offender))
            .collect();
        self.findings.retain(|about, _| found.contains_key(about) || !report.checked.has(about));
        for (about, offender) in found {
            if self.findings.len() >= FOLLOWED && !self.findings.contains_key(about) {
                continue;
            }
            let text = offender.text.clone();
            let first = Finding { text: text.clone(), since: at, seen: 0 };
            let finding = self.findings.entry(about.clone()).or_insert(first);
            finding.text = text;
            finding.seen = if part.is_certain() { TWICE } else { (finding.seen + 1).min(TWICE) };
        }
    }

    pub(super) fn fail(&mut self, part: Part, why: &str) {
        if let Some(state) = self.parts.get_mut(&part) {
            state.failure = Some(why.to_owned());
        }
    }

    /// A contradiction stays one until a look no longer finds it.
    pub(super) fn settle(&mut self, invariant: Invariant, at: Timestamp) -> Option<Change> {
        let broken = self.findings().first().map(|finding| finding.text.clone());
        let unknown = self.failure().map(str::to_owned);
        let (verdict, why) = match (broken, unknown) {
            (Some(text), _) => (Verdict::Broken, Some(text)),
            (None, Some(why)) => (Verdict::Unknown, Some(why)),
            (None, None) if self.checked_at().is_none() => (Verdict::Unknown, None),
            (None, None) => (Verdict::Ok, None),
        };
        if verdict == self.verdict {
            return None;
        }
        let was = std::mem::replace(&mut self.verdict, verdict);
        self.since = at;
        Some(Change { at, invariant: invariant.id(), was, verdict, why })
    }
}
