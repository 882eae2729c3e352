//! What a run says while it lasts, on standard error: a bar on a terminal, and a line for each measurement.

use super::cores::Cores;
use super::reading::Reading;
use super::{BenchPlan, Measure};
use ctl::terminal::{Bar, Colour};

/// Cores less than this are not worth a word.
const MIN_SHOWN_CORES: f64 = 0.005;

/// The run's voice.
#[derive(Debug)]
pub struct Progress(Bar);

impl Progress {
    /// A bar of every measurement in every round.
    #[must_use]
    pub fn new(plan: &BenchPlan) -> Self {
        Self(Bar::new((plan.rounds * plan.measures.len()) as u64, "measurements"))
    }

    /// What happens now.
    pub(super) fn begin(&self, round: usize, measure: Measure) {
        self.0.now(format!("round {round}: {}", measure.name()));
        self.0.tick();
    }

    /// What came out; whether it is taken `again`.
    pub(super) fn end(&self, reading: &Reading, again: bool) {
        if !again {
            self.0.one_more();
        }
        let name = self
            .0
            .paint
            .paint(Colour::Bold, format!("round {} {:<8}", reading.round, reading.measure.name()));
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
        self.0.say(self.0.paint.paint(Colour::Dim, format!("                 {notes}{disturbed}")));
    }

    /// The bar goes.
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
