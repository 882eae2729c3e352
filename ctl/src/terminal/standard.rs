//! The one place that writes to standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};

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
