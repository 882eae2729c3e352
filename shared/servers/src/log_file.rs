use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::ServerError;

const TAIL_LINES: usize = 15;

#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    start: u64,
}

impl LogFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, start: 0 }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn open(&mut self) -> Result<(Stdio, Stdio), ServerError> {
        let failed = || ServerError::io("write to", &self.path);
        let file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed())?;
        self.start = file.metadata().map_err(failed())?.len();
        let second: File = file.try_clone().map_err(failed())?;
        Ok((file.into(), second.into()))
    }

    /// Empty if unreadable.
    pub fn since_start(&self) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let start = usize::try_from(self.start).unwrap_or(0).min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    pub fn tail(&self) -> String {
        let text = self.since_start();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}
