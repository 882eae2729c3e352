use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor},
};
use uuid::Uuid;

use crate::{
    telemetry::{CollectorSettings, TraceSettings},
    tls::blocking_http_client,
};

/// About 8 MiB: a third of a second of spans at 5,000 orders a second.
const CAPACITY: usize = 8192;
/// OpenTelemetry's default (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
const BATCH: usize = 512;
/// OpenTelemetry's default is 5 s; 1 s shows a trace sooner.
const BATCH_DELAY: Duration = Duration::from_secs(1);
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

const QUEUE_FULL: &str = "queue-full";
const EXPORT_FAILED: &str = "export-failed";

pub(super) static QUEUE: OnceLock<Queue> = OnceLock::new();

/// The running export.
pub struct SpanExport(&'static Queue);

/// Spans that wait for the collector.
pub(super) struct Queue {
    processor: BatchSpanProcessor,
    /// The processor itself drops without telling.
    waiting: Arc<AtomicUsize>,
    dropped: metrics::Counter,
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Starts sending spans of `service`; `None` without a collector. Call it once, outside of async code: the
/// HTTP client of the SDK's thread blocks.
pub fn export_spans(service: &'static str, settings: &TraceSettings) -> Option<SpanExport> {
    let exported = metrics::counter!("orderflow_spans_exported_total");
    let [full, failed] = [QUEUE_FULL, EXPORT_FAILED].map(dropped); // show 0
    events::set_sampler(settings.sampler);
    let collector = settings.collector.as_ref()?;
    let exporter = exporter(collector).map_err(|error| tracing::error!(%error, "spans are disabled")).ok()?;
    let waiting = Arc::<AtomicUsize>::default();
    let exporter = Counting {
        exporter,
        url: collector.url.as_str().to_owned(),
        waiting: Arc::clone(&waiting),
        exported,
        failed,
        warned: Mutex::default(),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(CAPACITY)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(BATCH_DELAY)
        .build();
    let mut processor = BatchSpanProcessor::new(exporter, config);
    processor.set_resource(&resource(service, collector));
    // A second export exists only in tests with several services.
    QUEUE.set(Queue { processor, waiting, dropped: full }).ok()?;
    tracing::info!(collector = collector.url.as_str(), "sending spans");
    QUEUE.get().map(SpanExport)
}

fn exporter(collector: &CollectorSettings) -> Result<OtlpExporter, ExportError> {
    let client = blocking_http_client().timeout(collector.timeout).build()?;
    let exporter = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(collector.url.as_str())
        .with_timeout(collector.timeout)
        .with_headers(collector.headers.expose().clone())
        .with_http_client(client);
    Ok(exporter.build()?)
}

/// `OTEL_RESOURCE_ATTRIBUTES` win over ours, and `OTEL_SERVICE_NAME` over both.
fn resource(service: &'static str, collector: &CollectorSettings) -> Resource {
    let ours = [
        ("service.name", service.to_owned()),
        ("service.namespace", "orderflow".to_owned()),
        ("service.version", build_info::VERSION.to_owned()),
        ("service.instance.id", Uuid::new_v4().to_string()),
    ];
    let given = collector.resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let name = collector.service_name.clone().map(|name| KeyValue::new("service.name", name));
    Resource::builder_empty()
        .with_attributes(ours.map(|(key, value)| KeyValue::new(key, value)))
        .with_attributes(given)
        .with_attributes(name)
        .build()
}

impl Queue {
    /// Drops the span if too many wait.
    pub(super) fn offer(&self, span: impl FnOnce() -> SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < CAPACITY {
            self.processor.on_end(span());
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.increment(1);
        }
    }
}

impl SpanExport {
    /// Sends the waiting spans, within `limit`.
    pub fn flush(self, limit: Duration) {
        if let Err(error) = self.0.processor.shutdown_with_timeout(limit) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The SDK's exporter, which neither counts nor tells what it fails to send.
#[derive(Debug)]
struct Counting<E> {
    exporter: E,
    url: String,
    waiting: Arc<AtomicUsize>,
    exported: metrics::Counter,
    failed: metrics::Counter,
    warned: Mutex<Option<Instant>>,
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        match self.exporter.export(batch).await {
            Ok(()) => self.exported.increment(spans as u64),
            Err(error) => {
                self.failed.increment(spans as u64);
                self.warn(&error);
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, limit: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(limit)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E> Counting<E> {
    fn warn(&self, error: &OTelSdkError) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|warned| warned.elapsed() >= WARNING_INTERVAL) {
            *warned = Some(Instant::now());
            tracing::warn!(
                collector = %self.url,
                %error,
                "spans cannot be sent; is the collector up? The service works without it"
            );
        }
    }
}

fn dropped(reason: &'static str) -> metrics::Counter {
    metrics::counter!("orderflow_spans_dropped_total", "reason" => reason)
}
