//! The progress of a run on standard error: a bar of orders on a terminal, and a line for each fault.

use std::fmt::Display;

use ctl::terminal::{Bar, Colour};

/// The progress of a run. Clones share the terminal.
#[derive(Debug, Clone)]
pub struct Progress(Bar);

impl Progress {
    /// A bar of `orders` at 0.
    #[must_use]
    pub fn new(orders: u64) -> Self {
        Self(Bar::new(orders, "orders"))
    }

    /// Prints one line above the bar.
    pub fn line(&self, line: impl Display) {
        self.0.say(line);
    }

    /// Prints the fault that begins.
    pub fn fault_begins(&self, what: impl Display) {
        self.marked(Colour::Yellow, "⚡", what);
    }

    /// Prints a recovery within its limits.
    pub fn recovered(&self, what: impl Display) {
        self.marked(Colour::Green, "✔", what);
    }

    /// Prints a fault that failed.
    pub fn failed(&self, what: impl Display) {
        self.marked(Colour::Red, "✘", what);
    }

    /// Moves the bar.
    pub fn orders(&self, sent: u64, summary: impl Display) {
        self.0.at(sent);
        self.0.now(summary);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.done();
    }

    fn marked(&self, colour: Colour, mark: &str, what: impl Display) {
        self.0.say(format!("{} {what}", self.0.paint.paint(colour, mark)));
    }
}
