use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Paint;

/// Time between two updates of a clock that shows seconds.
const TICK: Duration = Duration::from_millis(500);

/// Messages of a long run on standard error, above a progress bar if standard error is a terminal. Clones
/// share the bar.
#[derive(Debug, Clone)]
pub struct Bar {
    bar: ProgressBar,
    terminal: bool,
    /// Colours of the lines.
    pub paint: Paint,
}

impl Bar {
    /// A bar of `length` units, at position 0.
    #[must_use]
    pub fn new(length: u64, unit: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar =
            if terminal { ProgressBar::new(length).with_style(style(unit)) } else { ProgressBar::hidden() };
        Self { bar, terminal, paint: Paint::for_stderr() }
    }

    /// Prints one line above the bar.
    pub fn say(&self, line: impl Display) {
        if self.terminal {
            self.bar.println(line.to_string());
        } else {
            eprintln!("{line}");
        }
    }

    /// Sets the position.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Advances the position by one.
    pub fn one_more(&self) {
        self.bar.inc(1);
    }

    /// Sets the text beside the bar.
    pub fn now(&self, what: impl Display) {
        self.bar.set_message(what.to_string());
    }

    /// Starts the clock of the bar.
    pub fn tick(&self) {
        self.bar.enable_steady_tick(TICK);
    }

    /// Removes the bar.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(unit: &str) -> ProgressStyle {
    let template = format!("{{bar:30.green}} {{pos}}/{{len}} {unit} {{elapsed}} {{msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
