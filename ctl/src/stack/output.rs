//! Kept for errors, forwarded, and searched for addresses.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use servers::child::Pipes;
use tokio::sync::watch;
use tokio::time::timeout;

use super::ServiceId;

/// Lines kept of each service.
const KEPT: usize = 500;
/// Lines shown in an error.
const SHOWN: usize = 20;

/// Called once a line, by the reading threads.
#[derive(Clone)]
pub struct Sink(Arc<LineHandler>);

type LineHandler = dyn Fn(ServiceId, &str) + Send + Sync;

impl Sink {
    pub fn new(handle: impl Fn(ServiceId, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handle))
    }

    /// Errors still show the last lines.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_, _| {})
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

/// Logged once ports are bound: `{"message":"listening","http":"127.0.0.1:8001",...}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Listening {
    pub http: SocketAddr,
    pub metrics: SocketAddr,
}

impl Listening {
    fn parse(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message<'a> {
            message: &'a str,
        }
        // Avoids parsing every line twice.
        let about = line.contains("\"listening\"").then_some(line)?;
        let message: Message<'_> = serde_json::from_str(about).ok()?;
        if message.message == "listening" { serde_json::from_str(about).ok() } else { None }
    }
}

#[derive(Debug)]
pub struct Output {
    kept: Arc<Mutex<VecDeque<String>>>,
    listening: watch::Receiver<Option<Listening>>,
}

#[derive(Clone)]
struct Reader {
    service: ServiceId,
    kept: Arc<Mutex<VecDeque<String>>>,
    listening: watch::Sender<Option<Listening>>,
    sink: Sink,
}

impl Output {
    /// Threads instead of tasks: a thread ends with its pipe and needs no owner.
    pub fn read(service: ServiceId, pipes: Pipes, sink: Sink) -> Self {
        let kept = Arc::default();
        let (sender, listening) = watch::channel(None);
        let reader = Reader { service, kept: Arc::clone(&kept), listening: sender, sink };
        if let Some(stdout) = pipes.stdout {
            reader.clone().start(stdout);
        }
        if let Some(stderr) = pipes.stderr {
            reader.start(stderr);
        }
        Self { kept, listening }
    }

    /// Newest last.
    #[must_use]
    pub fn tail(&self) -> String {
        let kept = lock(&self.kept);
        kept.iter().skip(kept.len().saturating_sub(SHOWN)).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    #[must_use]
    pub fn lines(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        lock(&self.kept).iter().filter(|line| wanted(line)).cloned().collect()
    }

    /// Never returns if the output ends without addresses.
    pub async fn listening(&self) -> Listening {
        let mut listening = self.listening.clone();
        loop {
            if let Some(addresses) = *listening.borrow_and_update() {
                return addresses;
            }
            if listening.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for the output of an ended process.
    pub async fn drained(&self) {
        let mut listening = self.listening.clone();
        let ended = async { while listening.changed().await.is_ok() {} };
        // A grandchild could hold the pipe open.
        let _ = timeout(Duration::from_secs(1), ended).await;
    }
}

impl Reader {
    fn start(self, pipe: impl Read + Send + 'static) {
        thread::spawn(move || self.read(pipe));
    }

    fn read(self, pipe: impl Read) {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            self.take(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    }

    fn take(&self, line: &str) {
        let mut kept = lock(&self.kept);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line.to_owned());
        drop(kept);
        if let Some(addresses) = Listening::parse(line) {
            self.listening.send_replace(Some(addresses));
        }
        (self.sink.0)(self.service, line);
    }
}

fn lock(kept: &Mutex<VecDeque<String>>) -> MutexGuard<'_, VecDeque<String>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"listening","http":"127.0.0.1:8001","metrics":"127.0.0.1:9101"}"#;

    #[test]
    fn the_listening_line_names_both_addresses() {
        let listening = Listening::parse(LINE).expect("it is that line");
        assert_eq!((listening.http.port(), listening.metrics.port()), (8001, 9101));
    }

    #[test]
    fn other_lines_are_not_the_listening_line() {
        assert_eq!(Listening::parse("plain text"), None);
        assert_eq!(Listening::parse(r#"{"message":"stopped \"listening\" soon"}"#), None);
        assert_eq!(Listening::parse(r#"{"message":"listening"}"#), None);
    }
}
