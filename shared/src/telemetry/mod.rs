//! Logs, trace context, spans and metrics.

mod metrics;
mod spans;
mod trace_context;

use std::io::IsTerminal;

use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::metrics::{PrometheusHandle, install as install_metrics};
pub use spans::{Attribute, Span, SpanExport, SpanKind, begin_span, export_spans, record_span};
pub use trace_context::{Origin, TraceContext};

use crate::settings::{LogSettings, Value};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" if std::io::stdout().is_terminal() => Ok(Self::Pretty),
            "json" | "auto" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err(format!("expected auto, pretty or json, got `{text}`")),
        }
    }
}

/// Sends the logs of this process to standard output. Call it once, before anything logs.
///
/// # Errors
/// The filter cannot be parsed.
pub fn install_logs(settings: &LogSettings) -> Result<(), tracing_subscriber::filter::ParseError> {
    let registry = tracing_subscriber::registry().with(settings.filter.parse::<Targets>()?);
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second installation happens only when several services share a test process: the first one stays.
    _ = match settings.format {
        LogFormat::Pretty => registry.with(tracing_subscriber::fmt::layer().with_ansi(colour).with_target(false)).try_init(),
        LogFormat::Json => registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false)).try_init(),
    };
    Ok(())
}
