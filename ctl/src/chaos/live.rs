//! What a run says while it lasts, on standard error: a bar of orders on a terminal, and a line for each fault.

use std::fmt::Display;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::{Colour, Paint};

/// The run's voice. Clones speak on the same terminal.
#[derive(Debug, Clone)]
pub struct Live {
    bar: ProgressBar,
    terminal: bool,
    paint: Paint,
}

impl Live {
    /// A bar of `orders` that has not begun.
    #[must_use]
    pub fn new(orders: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(orders).with_style(style()) } else { ProgressBar::hidden() };
        Self { bar, terminal, paint: Paint::for_stderr() }
    }

    /// One line, above the bar.
    pub fn say(&self, line: impl Display) {
        if self.terminal {
            self.bar.println(line.to_string());
        } else {
            eprintln!("{line}");
        }
    }

    /// Something happens to the stack.
    pub fn strikes(&self, what: impl Display) {
        self.say(format!("{} {what}", self.paint.paint(Colour::Yellow, "⚡")));
    }

    /// It was overcome.
    pub fn well(&self, what: impl Display) {
        self.say(format!("{} {what}", self.paint.paint(Colour::Green, "✔")));
    }

    /// It was not.
    pub fn ill(&self, what: impl Display) {
        self.say(format!("{} {what}", self.paint.paint(Colour::Red, "✘")));
    }

    /// How far the load is.
    pub fn orders(&self, sent: u64, summary: impl Display) {
        self.bar.set_position(sent);
        self.bar.set_message(summary.to_string());
    }

    /// The bar goes.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    let template = "{bar:30.green} {pos}/{len} orders {elapsed} {msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
