//! Logs, spans and metrics.

mod logs;
mod metrics;
mod process_metrics;
mod settings;
mod spans;
mod trace_settings;

pub use self::metrics::{
    EXPOSITION, Metrics, install as install_metrics, register_counter, register_counters, show_build,
};
pub use logs::{LogFilter, LogFormat, install_logs};
pub use settings::LogSettings;
pub use spans::{Span, SpanExport, SpanKind, begin_span, call, export_spans, is_collected, record_span};
pub use trace_settings::{CollectorSettings, Headers, TraceSettings};
