//! What a run says while it lasts, on standard error: a bar on a terminal, and a line for each measurement.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::cores::Cores;
use super::reading::Reading;
use super::{Measure, Terms};
use crate::terminal::{Colour, Paint};

/// Cores less than this are not worth a word.
const WORTH_SAYING: f64 = 0.005;

/// The run's voice.
#[derive(Debug)]
pub struct Live {
    bar: ProgressBar,
    terminal: bool,
    paint: Paint,
}

impl Live {
    /// A bar of every measurement in every round.
    #[must_use]
    pub fn new(terms: &Terms) -> Self {
        let (all, terminal) = ((terms.rounds * terms.measures.len()) as u64, std::io::stderr().is_terminal());
        let bar = if terminal { ProgressBar::new(all).with_style(style()) } else { ProgressBar::hidden() };
        Self { bar, terminal, paint: Paint::for_stderr() }
    }

    /// What happens now.
    pub(super) fn begins(&self, round: usize, measure: Measure) {
        self.bar.set_message(format!("round {round}: {}", measure.name()));
        self.bar.enable_steady_tick(std::time::Duration::from_millis(500));
    }

    /// What came out.
    pub(super) fn ended(&self, reading: &Reading) {
        self.bar.inc(1);
        let name = self.paint.paint(Colour::Bold, format!("round {} {:<8}", reading.round, reading.measure.name()));
        let figures: Vec<String> =
            reading.figures.iter().map(|(figure, value)| format!("{} {}", figure.name(), figure.show(*value))).collect();
        self.say(format!("{name} {}", figures.join("; ")));
        let disturbed = if reading.is_disturbed() { " DISTURBED by foreign work" } else { "" };
        let notes = [vec![cores(&reading.cores)], reading.notes.clone()].concat().join("; ");
        self.say(self.paint.paint(Colour::Dim, format!("                 {notes}{disturbed}")));
    }

    /// The bar goes.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: String) {
        if self.terminal { self.bar.println(line) } else { eprintln!("{line}") }
    }
}

/// `cores: generator 0.12, payment 0.83`
pub(super) fn cores(cores: &Cores) -> String {
    let used = cores.iter().filter(|(name, used)| **used > WORTH_SAYING || *name == "foreign");
    let used: Vec<String> = used.map(|(name, used)| format!("{name} {used:.2}")).collect();
    format!("cores: {}", used.join(", "))
}

fn style() -> ProgressStyle {
    let template = "{bar:30.green} {pos}/{len} {elapsed} {msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
