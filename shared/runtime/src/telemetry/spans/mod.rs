//! Spans for an OpenTelemetry collector, by OTLP/HTTP: one a request, one a handled event, one a publication.
//!
//! The ids are those of [`TraceContext`], which travels in `traceparent` whether anybody collects spans or
//! not. What is finished is offered to a bounded queue, and one thread of its own sends batches from there:
//!
//! ```text
//! record ── try_send ──> queue (8,192) ── 512, or what came within 1 s ──> POST /v1/traces
//!              └─ full: dropped, counted                      └─ no answer: the same batch again after 1 s
//! ```
//!
//! The guarantee: nobody waits for a collector. Without `otlp-endpoint`, and for traces that are not sampled,
//! it costs a branch.

mod batch;
mod exporter;
mod queue;

use std::{borrow::Cow, sync::OnceLock, time::SystemTime};

use crate::settings::TraceSettings;
use events::TraceContext;

pub use exporter::SpanExport;
use queue::Queue;

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// One finished piece of work. [`TraceContext`] says where it belongs.
#[derive(Debug)]
pub struct Span {
    pub kind: SpanKind,
    pub name: Cow<'static, str>,
    pub began: SystemTime,
    pub ended: SystemTime,
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// On which side of a call or a stream the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    Server,
    Producer,
    Consumer,
}

/// What is known about a span. Names follow OpenTelemetry's semantic conventions where these have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    Text(Cow<'static, str>),
    Number(i64),
}

impl From<&'static str> for Attribute {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::Number(number.try_into().unwrap_or(i64::MAX))
    }
}

/// Sends the spans of this process to the collector of `settings`, as `service`; `None` when they name none.
/// Call it once, on an actix system.
pub fn export_spans(service: &str, settings: &TraceSettings) -> Option<SpanExport> {
    events::set_sample_ratio(settings.sample_ratio);
    let collector = settings.collector.as_ref()?;
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
