//! Spans for an OpenTelemetry collector, by OTLP/HTTP: one per request, handled event and publication. Work
//! never waits for the collector:
//!
//! ```text
//! record ── try_send ──> queue (8,192) ── 512, or the spans of 1 s ──> POST /v1/traces
//!              └─ full: dropped, counted                      └─ silent: the same batch again after 1 s
//! ```
//!
//! Without `otlp-endpoint`, and for unsampled traces, a span costs a branch.

mod batch;
mod exporter;
mod queue;
mod record;
mod span;

pub use exporter::SpanExport;
pub use record::{begin_span, export_spans, record_span};
pub use span::{Attribute, Span, SpanKind};
