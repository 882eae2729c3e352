//! The thread that sends spans, batch by batch, until it is told to end.
//!
//! A collector that does not answer, or says that it is busy, gets the same batch again; meanwhile the queue
//! fills, and drops. What it refuses for good is dropped at once.

use std::time::{Duration, Instant};

use actix_rt::Arbiter;
use opentelemetry_proto::tonic::resource::v1::Resource;
use reqwest::{StatusCode, header::CONTENT_TYPE};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{timeout, timeout_at},
};

use super::{
    batch,
    queue::{FinishedSpan, Queue, count_dropped},
};
use crate::settings::HttpUrl;

/// Spans of one request: OpenTelemetry's default (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
const BATCH: usize = 512;
/// How long a batch may grow. OpenTelemetry waits for 5 s; who looks for a trace should not.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// Longest wait for an answer of the collector.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before a batch is sent again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Shortest time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);
/// Spans must not hold up the end of a service for longer, whatever time the rest of it may take.
const MAX_FLUSH: Duration = Duration::from_secs(3);

/// The running export.
pub struct SpanExport {
    ending: watch::Sender<bool>,
    done: oneshot::Receiver<()>,
}

impl SpanExport {
    /// Sends what is queued, each batch once more, for as long as `patience` and [`LONGEST_FLUSH`] allow.
    pub async fn flush(self, limit: Duration) {
        self.ending.send_replace(true);
        if timeout(limit.min(MAX_FLUSH), self.done).await.is_err() {
            tracing::warn!("the last spans were not sent in time");
        }
    }
}

/// Starts the thread. `None`, and a line in the log, when there can be no HTTP client.
pub(super) fn start(service: &str, collector: &HttpUrl) -> Option<(Queue, SpanExport)> {
    let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build();
    let client =
        client.map_err(|error| tracing::error!(%error, "no spans are sent: there is no HTTP client")).ok()?;
    let (queue, spans) = Queue::open();
    let ((ending, is_ending), (end, done)) = (watch::channel(false), oneshot::channel());
    let url = format!("{}/v1/traces", collector.as_str());
    let exporter =
        Exporter { client, url, resource: batch::resource(service), spans, is_ending, warned: None };
    Arbiter::new().spawn(async move {
        exporter.run().await;
        _ = end.send(()); // nobody waits for it who has waited long enough
    });
    Some((queue, SpanExport { ending, done }))
}

struct Exporter {
    client: reqwest::Client,
    url: String,
    resource: Resource,
    spans: mpsc::Receiver<FinishedSpan>,
    is_ending: watch::Receiver<bool>,
    warned: Option<Instant>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("it is busy ({0})")]
    Busy(StatusCode),
    #[error("it refused the spans ({0})")]
    Refused(StatusCode),
}

impl Exporter {
    async fn run(mut self) {
        loop {
            let batch = self.next().await;
            if batch.is_empty() {
                return;
            }
            self.deliver(batch).await;
        }
    }

    /// The next spans; none at the end.
    async fn next(&mut self) -> Vec<FinishedSpan> {
        let mut batch = Vec::with_capacity(BATCH);
        tokio::select! {
            _ = self.spans.recv_many(&mut batch, BATCH) => {}
            _ = self.is_ending.wait_for(|ending| *ending) => {}
        }
        let full = tokio::time::Instant::now() + BATCH_DELAY;
        while batch.len() < BATCH && !*self.is_ending.borrow() {
            let room = BATCH - batch.len();
            tokio::select! {
                more = timeout_at(full, self.spans.recv_many(&mut batch, room)) => if !matches!(more, Ok(1..)) { return batch },
                _ = self.is_ending.wait_for(|ending| *ending) => {}
            }
        }
        while batch.len() < BATCH
            && let Ok(span) = self.spans.try_recv()
        {
            batch.push(span);
        }
        batch
    }

    async fn deliver(&mut self, batch: Vec<FinishedSpan>) {
        let count = batch.len();
        let body = batch::encode(&self.resource, batch);
        loop {
            let ending = *self.is_ending.borrow();
            match self.send(body.clone()).await {
                Ok(()) => return metrics::counter!("orderflow_spans_exported_total").increment(count as u64),
                Err(error) => {
                    self.warn(&error);
                    if ending || matches!(error, ExportError::Refused(_)) {
                        return count_dropped(if ending { "ended" } else { "refused" }, count);
                    }
                }
            }
            _ = timeout(RETRY_PAUSE, self.is_ending.wait_for(|ending| *ending)).await;
        }
    }

    async fn send(&self, body: Vec<u8>) -> Result<(), ExportError> {
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        match request.send().await.map_err(|error| ExportError::NoAnswer(innermost(&error)))?.status() {
            status if status.is_success() => Ok(()),
            // Those that OTLP calls retryable.
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => Err(ExportError::Busy(status)),
            status => Err(ExportError::Refused(status)),
        }
    }

    fn warn(&mut self, error: &ExportError) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARNING_INTERVAL) {
            self.warned = Some(Instant::now());
            tracing::warn!(collector = %self.url, %error, "spans cannot be sent; is the collector of otlp-endpoint up? Nothing else waits for it");
        }
    }
}

/// What was wrong: reqwest says only that something was.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
