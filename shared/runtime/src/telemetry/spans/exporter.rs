//! Sends spans in batches: retries while the collector is silent or busy, and drops a refused batch.

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
use crate::{settings::HttpUrl, tls::http_client};

/// OpenTelemetry's default (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
const BATCH: usize = 512;
/// OpenTelemetry's default is 5 s; 1 s shows a trace sooner.
const BATCH_DELAY: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const WARNING_INTERVAL: Duration = Duration::from_secs(60);
const MAX_FLUSH: Duration = Duration::from_secs(3);

/// The running export.
pub struct SpanExport {
    ending: watch::Sender<bool>,
    done: oneshot::Receiver<()>,
}

impl SpanExport {
    /// Sends the queued spans, one try a batch, within `limit` and 3 s.
    pub async fn flush(self, limit: Duration) {
        self.ending.send_replace(true);
        if timeout(limit.min(MAX_FLUSH), self.done).await.is_err() {
            tracing::warn!("timeout while sending the last spans");
        }
    }
}

/// Starts the thread; `None` if the HTTP client cannot be built.
pub(super) fn start(service: &str, collector: &HttpUrl) -> Option<(Queue, SpanExport)> {
    let client = http_client().timeout(ANSWER_TIMEOUT).build();
    let client = client
        .map_err(|error| tracing::error!(%error, "spans are disabled: the HTTP client cannot be built"))
        .ok()?;
    let (queue, spans) = Queue::open();
    let (ending, is_ending) = watch::channel(false);
    let (end, done) = oneshot::channel();
    let url = format!("{}/v1/traces", collector.as_str());
    let exporter =
        Exporter { client, url, resource: batch::resource(service), spans, is_ending, warned: None };
    Arbiter::new().spawn(async move {
        exporter.run().await;
        _ = end.send(()); // the flush may have timed out
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

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("the collector is busy ({0})")]
    Busy(StatusCode),
    #[error("the collector refused the spans ({0})")]
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

    /// Empty at the end.
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
                more = timeout_at(full, self.spans.recv_many(&mut batch, room)) => {
                    if !matches!(more, Ok(1..)) {
                        return batch;
                    }
                }
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
            // Retryable by OTLP.
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
            tracing::warn!(
                collector = %self.url,
                %error,
                "spans cannot be sent; is the collector of otlp-endpoint up? The service works without it"
            );
        }
    }
}

/// The text of reqwest names only the kind of error.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
