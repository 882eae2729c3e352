use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::record::Record;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the client log {}: {source}", path.display())]
    Io {
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    #[error("{}:{line}: not a record of a client log: {source}", path.display())]
    Malformed {
        path: PathBuf,
        /// From 1.
        line: usize,
        source: serde_json::Error,
    },
}

/// Skips an incomplete last line: its request was not sent.
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
