//! Spans for an OpenTelemetry collector, by OTLP/HTTP: one per request, per handled event and per
//! publication.
//!
//! The ids are those of [`TraceContext`](events::TraceContext), which travels in `traceparent` with or
//! without a collector. A finished span is offered to a bounded queue, from which a thread of its own sends
//! batches:
//!
//! ```text
//! record ── try_send ──> queue (8,192) ── 512, or the spans of 1 s ──> POST /v1/traces
//!              └─ full: dropped, counted                      └─ silent: the same batch again after 1 s
//! ```
//!
//! The guarantee: work never waits for a collector. Without `otlp-endpoint`, and for traces that are not
//! sampled, a span costs a branch.

mod batch;
mod exporter;
mod queue;
mod record;
mod span;

pub use exporter::SpanExport;
pub use record::{begin_span, export_spans, record_span};
pub use span::{Attribute, Span, SpanKind};
