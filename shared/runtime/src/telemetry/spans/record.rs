//! Recording of spans into the queue.

use std::sync::OnceLock;

use events::TraceContext;

use super::{Span, SpanExport, exporter, queue::Queue};
use crate::settings::HttpUrl;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Starts sending the spans of this process to `collector`, as `service`; `None` without a collector. Call it
/// once, on an actix system. `sample_ratio` is the share of new traces that are sampled, 0 to 1.
pub fn export_spans(service: &str, collector: Option<&HttpUrl>, sample_ratio: f64) -> Option<SpanExport> {
    events::set_sample_ratio(sample_ratio);
    let collector = collector?;
    let (queue, export) = exporter::start(service, collector)?;
    // The first export stays: a second one exists only when several services share a test process.
    QUEUE.set(queue).ok()?;
    tracing::info!(collector = collector.as_str(), "sending spans");
    Some(export)
}

/// Offers the span of `trace` to the collector. `span` is called only if it is collected.
pub fn record_span(trace: TraceContext, span: impl FnOnce() -> Span) {
    if let Some(queue) = QUEUE.get()
        && trace.is_sampled()
    {
        queue.offer(trace, span());
    }
}

/// A span that begins now, as a child of `traceparent`; `None` if it would not be collected.
pub fn begin_span(traceparent: &str) -> Option<TraceContext> {
    QUEUE.get()?;
    Some(TraceContext::continue_from(Some(traceparent))).filter(|trace| trace.is_sampled())
}
