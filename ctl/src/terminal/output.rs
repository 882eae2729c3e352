use std::fmt::Display;

use serde::Serialize;

use super::standard::{OutputError, say, write_line};
use super::{Paint, Progress};

/// Text for people, or JSON for machines.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
    pub paint: Paint,
}

impl Output {
    /// Coloured on a terminal.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, paint: if json { Paint::PLAIN } else { Paint::for_stdout() } }
    }

    pub fn print<T: Serialize>(
        &self,
        value: &T,
        readable: impl FnOnce(&T) -> String,
    ) -> Result<(), OutputError> {
        write_line(if self.json { serde_json::to_string(value)? } else { readable(value) })
    }

    /// Prints a line for people, which the JSON of the result repeats.
    pub fn line(&self, line: impl Display) -> Result<(), OutputError> {
        if self.json { Ok(()) } else { write_line(line) }
    }

    /// Says on standard error what happens meanwhile; with `--json` as an object a line.
    pub fn note(&self, line: impl Display) {
        if self.json {
            say(serde_json::json!({"message": line.to_string()}));
        } else {
            say(line);
        }
    }

    /// Steps on standard error. With `--json` a terminal alone shows them: elsewhere that stream is JSON too.
    #[must_use]
    pub fn progress(&self) -> Progress {
        if self.json { Progress::on_a_terminal() } else { Progress::new() }
    }
}
