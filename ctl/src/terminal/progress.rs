use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Colour, Paint};

/// A spinner on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    paint: Paint,
    terminal: bool,
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
        Self { paint: Paint::for_stderr(), terminal: std::io::stderr().is_terminal(), current: None }
    }

    /// Completes the last step.
    pub fn step(&mut self, what: impl Into<String>) {
        self.done();
        let what = what.into();
        let bar = if self.terminal { spinner(&what) } else { ProgressBar::hidden() };
        if !self.terminal {
            eprintln!("{what} ...");
        }
        self.current = Some(Step { what, began: Instant::now(), bar });
    }

    pub fn done(&mut self) {
        if let Some(step) = self.current.take() {
            step.bar.finish_and_clear();
            if self.terminal {
                let took =
                    self.paint.paint(Colour::Dim, format!("{:.1} s", step.began.elapsed().as_secs_f64()));
                eprintln!("{} {} {took}", self.paint.paint(Colour::Green, "✔"), step.what);
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
                eprintln!("{} {}", self.paint.paint(Colour::Red, "✘"), step.what);
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
