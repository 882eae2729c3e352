//! Reads a client log.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::record::Record;

/// The reason why a client log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read the client log {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("{}:{line}: not a record of a client log: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// The error of the parser.
        source: serde_json::Error,
    },
}

/// All records of a client log, in order. Leaves out an incomplete last line: its client died before it sent
/// the request.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path) -> Result<Vec<Record>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut records = Vec::new();
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        if reader.read_line(&mut text).map_err(io)? == 0 || !text.ends_with('\n') {
            break;
        }
        let record = serde_json::from_str(&text).map_err(|source| ReadError::Malformed {
            path: path.to_owned(),
            line,
            source,
        })?;
        records.push(record);
    }
    Ok(records)
}
