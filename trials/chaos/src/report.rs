use std::path::PathBuf;

use serde::Serialize;

use super::fault::Fault;
use super::profile::Profile;
use super::recovery::{Recovery, seconds};
use ctl::load::LoadReport;
use ctl::terminal::{Colour, Paint, columns, table};
use ctl::verify::{Check, Judgement};

#[derive(Debug, Clone, Serialize)]
pub struct FaultReport {
    /// Counted from 1.
    pub number: usize,
    pub fault: Fault,
    /// The number in the list of survivable faults.
    pub kind: &'static str,
    pub target: String,
    /// `None` for a fault that did not land.
    pub evidence: Option<String>,
    /// `None` after a missed deadline.
    pub recovery: Option<Recovery>,
    pub wrong: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub green: bool,
    pub reasons: Vec<String>,
    /// Orders the load sent.
    pub orders: u64,
    pub planned: usize,
    pub landed: usize,
    /// The median of `ended_ms`.
    pub recovery_p50_ms: Option<u64>,
    /// The maximum of `ended_ms`.
    pub recovery_p100_ms: Option<u64>,
    pub samples: u64,
    /// Offenders of I3, I4 and I10, and entries acknowledged without their effect.
    pub lost: u64,
    /// Offenders of I5 to I9.
    pub duplicated: u64,
    /// Offenders of I1 and I2, samples included.
    pub oversold: u64,
    pub stuck: usize,
    pub faults: Vec<FaultReport>,
    pub checks: Vec<Check>,
    pub measured: Vec<String>,
    /// `None` for an unfinished load.
    pub load: Option<LoadReport>,
    pub instances: usize,
    pub profile: Profile,
    pub seed: u64,
    /// The command that repeats the run.
    pub repeat: String,
    /// Logs and data, if kept.
    pub folder: Option<PathBuf>,
    pub seconds: f64,
}

impl Report {
    pub(super) fn count(&mut self) {
        self.landed = self.faults.iter().filter(|fault| fault.evidence.is_some()).count();
        let mut took: Vec<u64> =
            self.faults.iter().filter_map(|fault| Some(fault.recovery?.ended_ms)).collect();
        took.sort_unstable();
        // The upper of two medians.
        self.recovery_p50_ms = took.get(took.len() / 2).copied();
        self.recovery_p100_ms = took.last().copied();
        self.lost += self.offenders(&["I3", "I4", "I10"]);
        self.duplicated = self.offenders(&["I5", "I6", "I7", "I8", "I9"]);
        self.oversold += self.offenders(&["I1", "I2"]);
        self.green = self.reasons.is_empty();
    }

    fn offenders(&self, ids: &[&str]) -> u64 {
        let broken = |check: &Check| match check.judgement {
            Judgement::Broken { count, .. } if ids.contains(&check.id) => count,
            _ => 0,
        };
        self.checks.iter().map(broken).sum()
    }

    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let parts = [
            self.fault_table(),
            self.check_table(paint),
            self.measured.join("\n"),
            self.summary(),
            self.verdict(paint),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }

    fn fault_table(&self) -> String {
        let heading = ["#", "FAULT", "KIND", "TARGET", "LANDED", "ACCEPTS", "FLOWS", "ENDED"]
            .map(str::to_owned)
            .to_vec();
        let rows = self.faults.iter().map(|fault| {
            let time = |part: fn(&Recovery) -> u64| {
                fault.recovery.as_ref().map_or("-".to_owned(), |took| format!("{:.1} s", seconds(part(took))))
            };
            let landed = if fault.evidence.is_some() { "yes" } else { "NO" }.to_owned();
            let times =
                [time(|took| took.accepts_ms), time(|took| took.flows_ms), time(|took| took.ended_ms)];
            let begin = [
                fault.number.to_string(),
                fault.fault.name(),
                fault.kind.to_owned(),
                fault.target.clone(),
                landed,
            ];
            [begin.to_vec(), times.to_vec()].concat()
        });
        table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }

    fn check_table(&self, paint: Paint) -> String {
        let heading = ["", "INVARIANT", "LOOKED AT", "VERDICT"].map(str::to_owned).to_vec();
        let rows = self.checks.iter().map(|check| {
            let verdict = match &check.judgement {
                Judgement::Holds => paint.paint(Colour::Green, "holds"),
                Judgement::Broken { count, offenders } => {
                    paint.paint(Colour::Red, format!("BROKEN {count} times: {}", offenders.join("; ")))
                }
                Judgement::NotJudged { why } => paint.paint(Colour::Yellow, format!("not judged: {why}")),
            };
            vec![check.id.to_owned(), check.name.to_owned(), check.looked_at.to_string(), verdict]
        });
        if self.checks.is_empty() {
            String::new()
        } else {
            table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
        }
    }

    fn summary(&self) -> String {
        let recovery =
            |took: Option<u64>| took.map_or("-".to_owned(), |took| format!("{:.1} s", seconds(took)));
        let rows = [
            ("orders", self.orders.to_string()),
            ("faults landed", format!("{} of {}", self.landed, self.planned)),
            (
                "recovery",
                format!("p50 {}, p100 {}", recovery(self.recovery_p50_ms), recovery(self.recovery_p100_ms)),
            ),
            ("samples", self.samples.to_string()),
            ("lost", self.lost.to_string()),
            ("duplicated", self.duplicated.to_string()),
            ("oversold", self.oversold.to_string()),
            ("stuck", self.stuck.to_string()),
            ("took", format!("{:.0} s", self.seconds)),
            ("seed", self.seed.to_string()),
            ("again", self.repeat.clone()),
        ];
        columns(&rows.map(|(name, value)| vec![name.to_owned(), value]))
    }

    fn verdict(&self, paint: Paint) -> String {
        let folder = self
            .folder
            .as_ref()
            .map(|folder| format!("\nLogs and data: {}", folder.display()))
            .unwrap_or_default();
        if self.green {
            return format!(
                "{}{folder}",
                paint.paint(
                    Colour::Green,
                    "GREEN: nothing lost, nothing doubled, nothing oversold, nothing stuck"
                )
            );
        }
        let reasons: String = self.reasons.iter().map(|reason| format!("\n  - {reason}")).collect();
        format!("{}{reasons}{folder}", paint.paint(Colour::Red, "RED"))
    }
}
