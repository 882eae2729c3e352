//! Logs, spans and metrics.

mod logs;
mod metrics;
mod process_metrics;
mod settings;
mod spans;

pub use self::metrics::{
    Metrics, install as install_metrics, register_counter, register_counters, show_build,
};
pub use logs::{LogFilter, LogFormat, install_logs};
pub use settings::{LogSettings, TraceSettings};
pub use spans::{Attribute, Span, SpanExport, SpanKind, begin_span, export_spans, record_span};
