//! An OpenTelemetry collector for tests: a receiver in Python, which reads spans with OpenTelemetry's own
//! messages.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde::Deserialize;

use crate::python;

const SCRIPT: &str = include_str!("collector.py");
const PACKAGES: [&str; 2] = ["opentelemetry-proto==1.45.2", "protobuf==6.33.6"];

#[derive(Debug, Clone, Deserialize)]
pub struct Span {
    pub service: String,
    /// Attributes of the service.
    pub resource: BTreeMap<String, String>,
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty for a root span.
    pub parent: String,
    /// The `tracestate`.
    pub state: String,
    /// As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    pub failed: bool,
    pub attributes: BTreeMap<String, String>,
    /// Whether it began before it ended.
    pub in_order: bool,
    /// The header `api-key` of its export.
    pub key: String,
}

pub struct Collector {
    port: u16,
    spans: Arc<Mutex<Vec<Span>>>,
    process: Child,
}

impl Collector {
    /// Needs python3 with venv, and PyPI for the first time.
    pub fn start() -> Self {
        let mut process =
            Command::new(python::with("otlp", &PACKAGES, "import opentelemetry.proto.trace.v1.trace_pb2"))
                .args(["-c", SCRIPT])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .expect("Python");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port = lines.next().and_then(Result::ok).and_then(|line| line.parse().ok()).expect("a port");
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let received = Arc::clone(&spans);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let span = serde_json::from_str(&line).expect("a span");
                received.lock().unwrap_or_else(PoisonError::into_inner).push(span);
            }
        });
        Self { port, spans, process }
    }

    /// Answers the next `times` exports with 503.
    pub async fn is_busy(&self, times: usize) {
        self.tell(&format!("busy/{times}")).await;
    }

    /// Takes exports from now on, and answers none.
    pub async fn hangs(&self) {
        self.tell("hang").await;
    }

    async fn tell(&self, path: &str) {
        let request = reqwest::Client::new().post(format!("{}/{path}", self.url())).body("-");
        assert!(request.send().await.expect("an answer").status().is_success());
    }

    /// For `OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
