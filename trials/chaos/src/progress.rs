//! Progress on standard error: a bar of orders, and a line for each fault.

use std::fmt::Display;

use ctl::terminal::{Bar, Colour};

/// Clones share the terminal.
#[derive(Debug, Clone)]
pub struct Progress(Bar);

impl Progress {
    #[must_use]
    pub fn new(orders: u64) -> Self {
        Self(Bar::new(orders, "orders"))
    }

    pub fn line(&self, line: impl Display) {
        self.0.say(line);
    }

    pub fn fault_begins(&self, what: impl Display) {
        self.marked(Colour::Yellow, "⚡", what);
    }

    pub fn recovered(&self, what: impl Display) {
        self.marked(Colour::Green, "✔", what);
    }

    pub fn failed(&self, what: impl Display) {
        self.marked(Colour::Red, "✘", what);
    }

    pub fn orders(&self, sent: u64, summary: impl Display) {
        self.0.at(sent);
        self.0.now(summary);
    }

    pub fn finish(&self) {
        self.0.done();
    }

    fn marked(&self, colour: Colour, mark: &str, what: impl Display) {
        self.0.say(format!("{} {what}", self.0.paint.paint(colour, mark)));
    }
}
