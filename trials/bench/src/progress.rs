//! A run on standard error.

use super::cores::Cores;
use super::reading::Reading;
use super::{BenchPlan, Measure};
use ctl::terminal::{Bar, Colour};

/// Groups with fewer cores are omitted.
const MIN_SHOWN_CORES: f64 = 0.005;

/// The progress of a run.
#[derive(Debug)]
pub struct Progress(Bar);

impl Progress {
    #[must_use]
    pub fn new(plan: &BenchPlan) -> Self {
        Self(Bar::new((plan.rounds * plan.measures.len()) as u64, "measurements"))
    }

    pub(super) fn bar(&self) -> &Bar {
        &self.0
    }

    pub(super) fn begin(&self, round: usize, measure: Measure) {
        self.0.now(format!("round {round}: {}", measure.name()));
        self.0.tick();
    }

    /// `again`: the measurement is repeated.
    pub(super) fn end(&self, reading: &Reading, again: bool) {
        if !again {
            self.0.one_more();
        }
        let name = self
            .0
            .paint
            .paint(Colour::Bold, format!("round {} {:<13}", reading.round, reading.measure.name()));
        let figures: Vec<String> = reading
            .figures
            .iter()
            .map(|(figure, value)| format!("{} {}", figure.name(), figure.show(*value)))
            .collect();
        self.0.say(format!("{name} {}", figures.join("; ")));
        let disturbed = match (reading.is_disturbed(), again) {
            (true, true) => " DISTURBED by others; once more",
            (true, false) => " DISTURBED by others",
            (false, _) => "",
        };
        let notes = [vec![cores(&reading.cores)], reading.notes.clone()].concat().join("; ");
        self.0.say(self.0.paint.paint(Colour::Dim, format!("                      {notes}{disturbed}")));
    }

    pub(super) fn finish(&self) {
        self.0.done();
    }
}

/// `cores: generator 0.12, payment 0.83`
pub(super) fn cores(cores: &Cores) -> String {
    let used = cores
        .iter()
        .filter(|(name, used)| **used > MIN_SHOWN_CORES || ["foreign", "stolen"].contains(&name.as_str()));
    let used: Vec<String> = used.map(|(name, used)| format!("{name} {used:.2}")).collect();
    format!("cores: {}", used.join(", "))
}
