use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Colour, Paint, say};

/// A spinner on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    paint: Paint,
    terminal: bool,
    /// Elsewhere.
    lines: bool,
    current: Option<Step>,
}

#[derive(Debug)]
struct Step {
    what: String,
    began: Instant,
    bar: ProgressBar,
}

impl Progress {
    #[must_use]
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { paint: Paint::for_stderr(), terminal, lines: !terminal, current: None }
    }

    /// Without the lines.
    #[must_use]
    pub fn on_a_terminal() -> Self {
        let mut progress = Self::new();
        progress.lines = false;
        progress
    }

    /// Completes the last step.
    pub fn step(&mut self, what: impl Into<String>) {
        self.done();
        let what = what.into();
        let bar = if self.terminal { spinner(&what) } else { ProgressBar::hidden() };
        if self.lines {
            say(format_args!("{what} ..."));
        }
        self.current = Some(Step { what, began: Instant::now(), bar });
    }

    pub fn done(&mut self) {
        if let Some(step) = self.current.take() {
            step.bar.finish_and_clear();
            if self.terminal {
                let took =
                    self.paint.paint(Colour::Dim, format!("{:.1} s", step.began.elapsed().as_secs_f64()));
                say(format_args!("{} {} {took}", self.paint.paint(Colour::Green, "✔"), step.what));
            }
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    /// Marks an incomplete step as failed.
    fn drop(&mut self) {
        if let Some(step) = self.current.take() {
            step.bar.finish_and_clear();
            if self.terminal {
                say(format_args!("{} {}", self.paint.paint(Colour::Red, "✘"), step.what));
            }
        }
    }
}

fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
