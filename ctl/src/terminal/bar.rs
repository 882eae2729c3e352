use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Paint;

/// As often as a clock that shows seconds needs.
const TICK: Duration = Duration::from_millis(500);

/// Lines about a long run, on standard error; on a terminal above a bar that says how far it is. Clones speak
/// on the same one.
#[derive(Debug, Clone)]
pub struct Bar {
    bar: ProgressBar,
    terminal: bool,
    /// Colours of the lines.
    pub paint: Paint,
}

impl Bar {
    /// A bar of `length` things called `unit`, at none of them.
    #[must_use]
    pub fn new(length: u64, unit: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar =
            if terminal { ProgressBar::new(length).with_style(style(unit)) } else { ProgressBar::hidden() };
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

    /// How far it is.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// One more is done.
    pub fn one_more(&self) {
        self.bar.inc(1);
    }

    /// What happens now.
    pub fn now(&self, what: impl Display) {
        self.bar.set_message(what.to_string());
    }

    /// From here on the clock goes by itself.
    pub fn tick(&self) {
        self.bar.enable_steady_tick(TICK);
    }

    /// The bar goes.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(unit: &str) -> ProgressStyle {
    let template = format!("{{bar:30.green}} {{pos}}/{{len}} {unit} {{elapsed}} {{msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
