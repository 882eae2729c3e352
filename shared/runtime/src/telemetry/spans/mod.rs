//! Spans for an OpenTelemetry collector: requests, calls, publications, handled events, transactions. The SDK
//! batches and sends them by OTLP/HTTP, on a thread of its own. Work never waits for the collector:
//!
//! ```text
//! record ── fewer than 8,192 wait ──> BatchSpanProcessor ── 512, or the spans of 1 s ──> POST …/v1/traces
//!              └─ else dropped, counted                       └─ refused or silent: dropped, counted
//! ```
//!
//! Without a collector, and for unsampled traces, a span costs a branch.

mod call;
mod export;
mod record;
mod span;

pub use call::call;
pub use export::{SpanExport, export_spans};
pub use record::{begin_span, is_collected, record_span};
pub use span::{Span, SpanKind};
