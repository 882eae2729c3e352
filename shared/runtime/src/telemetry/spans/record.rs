//! The way of a span into the queue.

use std::sync::OnceLock;

use events::TraceContext;

use super::{Span, SpanExport, exporter, queue::Queue};
use crate::settings::HttpUrl;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Sends the spans of this process to `collector`, as `service`; `None` without one.
/// Call it once, on an actix system.
pub fn export_spans(service: &str, collector: Option<&HttpUrl>, sample_ratio: f64) -> Option<SpanExport> {
    events::set_sample_ratio(sample_ratio);
    let collector = collector?;
    let (queue, export) = exporter::start(service, collector)?;
    // A second one exists only when several services share a test process: the first one stays.
    QUEUE.set(queue).ok()?;
    tracing::info!(collector = collector.as_str(), "sending spans");
    Some(export)
}

/// Offers the span of `trace` to whoever collects spans; it is made only if there is somebody.
pub fn record_span(trace: TraceContext, span: impl FnOnce() -> Span) {
    if let Some(queue) = QUEUE.get()
        && trace.is_sampled()
    {
        queue.offer(trace, span());
    }
}

/// A span that begins now, in the one that `traceparent` names; `None` when nobody would collect it.
pub fn begin_span(traceparent: &str) -> Option<TraceContext> {
    QUEUE.get()?;
    Some(TraceContext::continue_from(Some(traceparent))).filter(|trace| trace.is_sampled())
}
