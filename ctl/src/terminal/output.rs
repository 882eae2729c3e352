//! The one place that writes to standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use super::{Paint, Progress};

#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Such as `head`, which has read enough.
    #[error("the reader of standard output went away")]
    ReaderGone,
    /// Such as a full disk.
    #[error("cannot write to standard output")]
    NotWritten(#[source] io::Error),
    #[error("cannot write the result as JSON")]
    NotJson(#[from] serde_json::Error),
}

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

/// Writes a line to standard output.
pub fn write_line(line: impl Display) -> Result<(), OutputError> {
    write(&format!("{line}\n"))
}

/// Writes to standard output as it is.
pub fn write(text: &str) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputError::ReaderGone,
        _ => OutputError::NotWritten(error),
    })
}

/// Writes a line to standard error. Where that fails nobody can be told.
pub fn say(line: impl Display) {
    _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}
