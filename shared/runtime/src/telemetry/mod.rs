//! Logs, spans and metrics.

mod logs;
mod metrics;
mod settings;
mod spans;

pub use self::metrics::{PrometheusHandle, install as install_metrics};
pub use logs::{LogFilter, LogFormat, install_logs};
pub use settings::{LogSettings, TraceSettings};
pub use spans::{Attribute, Span, SpanExport, SpanKind, begin_span, export_spans, record_span};
