use std::sync::OnceLock;

use events::TraceContext;

use super::{
    Span, SpanExport, exporter,
    queue::{Queue, count_dropped},
};
use crate::settings::HttpUrl;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Starts sending spans to `collector`; `None` without one. Call it once, on an actix system. `sample_ratio`:
/// 0 to 1.
pub fn export_spans(service: &str, collector: Option<&HttpUrl>, sample_ratio: f64) -> Option<SpanExport> {
    events::set_sample_ratio(sample_ratio);
    _ = metrics::counter!("orderflow_spans_exported_total"); // shows 0
    ["queue-full", "refused", "ended"].into_iter().for_each(|reason| count_dropped(reason, 0));
    let collector = collector?;
    let (queue, export) = exporter::start(service, collector)?;
    // A second export exists only in tests with several services.
    QUEUE.set(queue).ok()?;
    tracing::info!(collector = collector.as_str(), "sending spans");
    Some(export)
}

/// Calls `span` only if `trace` is collected.
pub fn record_span(trace: TraceContext, span: impl FnOnce() -> Span) {
    if let Some(queue) = QUEUE.get()
        && trace.is_sampled()
    {
        queue.offer(trace, span());
    }
}

/// Begins a child of `traceparent`, if collected.
pub fn begin_span(traceparent: &str) -> Option<TraceContext> {
    QUEUE.get()?;
    Some(TraceContext::continue_from(Some(traceparent))).filter(|trace| trace.is_sampled())
}
