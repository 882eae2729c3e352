//! What a run says while it lasts, on standard error: a bar of orders on a terminal, and a line for each
//! fault.

use std::fmt::Display;

use ctl::terminal::{Bar, Colour};

/// The run's voice. Clones speak on the same terminal.
#[derive(Debug, Clone)]
pub struct Progress(Bar);

impl Progress {
    /// A bar of `orders` that has not begun.
    #[must_use]
    pub fn new(orders: u64) -> Self {
        Self(Bar::new(orders, "orders"))
    }

    /// One line, above the bar.
    pub fn line(&self, line: impl Display) {
        self.0.say(line);
    }

    /// Something happens to the stack.
    pub fn fault_begins(&self, what: impl Display) {
        self.marked(Colour::Yellow, "⚡", what);
    }

    /// It was overcome.
    pub fn recovered(&self, what: impl Display) {
        self.marked(Colour::Green, "✔", what);
    }

    /// It was not.
    pub fn failed(&self, what: impl Display) {
        self.marked(Colour::Red, "✘", what);
    }

    /// How far the load is.
    pub fn orders(&self, sent: u64, summary: impl Display) {
        self.0.at(sent);
        self.0.now(summary);
    }

    /// The bar goes.
    pub fn finish(&self) {
        self.0.done();
    }

    fn marked(&self, colour: Colour, mark: &str, what: impl Display) {
        self.0.say(format!("{} {what}", self.0.paint.paint(colour, mark)));
    }
}
