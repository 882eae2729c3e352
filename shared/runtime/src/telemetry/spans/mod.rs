//! Spans for an OpenTelemetry collector, by OTLP/HTTP: one a request, one a handled event, one a publication.
//!
//! The ids are those of [`TraceContext`](events::TraceContext), which travels in `traceparent` whether anybody collects spans or
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
mod record;
mod span;

pub use exporter::SpanExport;
pub use record::{begin_span, export_spans, record_span};
pub use span::{Attribute, Span, SpanKind};
