//! A thread writes queued records and syncs them together.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::mpsc,
    thread,
};

use tokio::sync::oneshot;

use super::record::Record;

/// Clones write to the same file.
#[derive(Debug, Clone)]
pub struct ClientLog {
    lines: Option<mpsc::Sender<Line>>,
}

#[derive(Debug)]
struct Line {
    text: Vec<u8>,
    synced: Option<oneshot::Sender<io::Result<()>>>,
}

impl ClientLog {
    /// Discards its records.
    #[must_use]
    pub fn none() -> Self {
        Self { lines: None }
    }

    /// The folder must exist.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (lines, received) = mpsc::channel();
        thread::Builder::new().name("client-log".to_owned()).spawn(move || write_all(file, &received))?;
        Ok(Self { lines: Some(lines) })
    }

    /// Returns when the record is on disk: for requests, before they are sent.
    ///
    /// # Errors
    /// The request must not be sent.
    pub async fn write(&self, record: &Record) -> io::Result<()> {
        let Some(lines) = &self.lines else { return Ok(()) };
        let (synced, done) = oneshot::channel();
        let gone = || io::Error::other("the client log was closed");
        lines.send(Line { text: line(record)?, synced: Some(synced) }).map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }

    /// Queues a response or observation without waiting for the disk.
    pub fn note(&self, record: &Record) {
        if let (Some(lines), Ok(text)) = (&self.lines, line(record)) {
            _ = lines.send(Line { text, synced: None });
        }
    }
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(record)?;
    text.push(b'\n');
    Ok(text)
}

/// One sync covers all records received during the last one.
fn write_all(mut file: File, received: &mpsc::Receiver<Line>) {
    while let Ok(first) = received.recv() {
        let mut text = first.text;
        let mut waiting = Vec::new();
        waiting.extend(first.synced);
        while let Ok(next) = received.try_recv() {
            text.extend(next.text);
            waiting.extend(next.synced);
        }
        let written =
            file.write_all(&text).and_then(|()| if waiting.is_empty() { Ok(()) } else { file.sync_data() });
        for synced in waiting {
            let outcome =
                written.as_ref().copied().map_err(|error| io::Error::new(error.kind(), error.to_string()));
            _ = synced.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::client_log::{Completion, read};

    fn records() -> Vec<Record> {
        let at = Timestamp::UNIX_EPOCH;
        let user = Uuid::nil();
        let key = "k".to_owned();
        vec![
            Record::Send { at, user, key: key.clone(), body: serde_json::json!({"items": []}) },
            Record::Answer {
                at,
                user,
                key,
                outcome: Completion::Ok,
                status: Some(202),
                body: Some("{}".to_owned()),
                why: None,
            },
            Record::Seen { at, order: Uuid::nil(), status: "pending".to_owned(), version: 1 },
            Record::Poison { at, stream: "order_completed".to_owned(), event_id: "x".to_owned() },
        ]
    }

    #[tokio::test]
    async fn what_was_written_is_read_back_in_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("client.log");
        let log = ClientLog::append_to(&path).expect("a log");
        for record in records() {
            log.write(&record).await.expect("on disk");
        }
        assert_eq!(read(&path).expect("readable"), records());
    }

    #[test]
    fn half_a_line_at_the_end_is_left_out_and_a_broken_line_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("client.log");
        let whole = String::from_utf8(line(&records()[0]).expect("a line")).expect("text");
        std::fs::write(&path, format!("{whole}{{\"event\":\"se")).expect("written");
        assert_eq!(read(&path).expect("readable").len(), 1);
        std::fs::write(&path, format!("{whole}nonsense\n")).expect("written");
        let error = read(&path).expect_err("a broken line").to_string();
        assert!(error.contains("client.log:2"), "{error}");
    }
}
