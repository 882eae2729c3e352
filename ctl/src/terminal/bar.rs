use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Paint, say};

/// The clock shows seconds.
const TICK: Duration = Duration::from_millis(500);

/// Prints above a progress bar on a terminal. Clones share the bar.
#[derive(Debug, Clone)]
pub struct Bar {
    bar: ProgressBar,
    terminal: bool,
    pub paint: Paint,
}

impl Bar {
    /// At position 0.
    #[must_use]
    pub fn new(length: u64, unit: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar =
            if terminal { ProgressBar::new(length).with_style(style(unit)) } else { ProgressBar::hidden() };
        Self { bar, terminal, paint: Paint::for_stderr() }
    }

    pub fn say(&self, line: impl Display) {
        if self.terminal {
            self.bar.println(line.to_string());
        } else {
            say(line);
        }
    }

    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    pub fn one_more(&self) {
        self.bar.inc(1);
    }

    pub fn now(&self, what: impl Display) {
        self.bar.set_message(what.to_string());
    }

    pub fn tick(&self) {
        self.bar.enable_steady_tick(TICK);
    }

    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(unit: &str) -> ProgressStyle {
    let template = format!("{{bar:30.green}} {{pos}}/{{len}} {unit} {{elapsed}} {{msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
