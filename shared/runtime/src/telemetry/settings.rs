//! The settings of logs and traces.

use super::{LogFilter, LogFormat};
use crate::settings::{HttpUrl, Source};

#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: LogFilter,
}

#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Where spans go; none are made without.
    pub collector: Option<HttpUrl>,
    /// Share of new traces that are sampled, 0 to 1.
    pub sample_ratio: f64,
}

impl LogSettings {
    /// Reads how to log.
    pub fn read(source: &mut Source) -> Self {
        Self {
            format: source.value(
                "log-format",
                "auto",
                "auto, pretty or json (auto: pretty on a terminal, otherwise json)",
            ),
            filter: source.value(
                "log-filter",
                "info,actix_server=warn,refinery_core=warn,tokio_postgres=warn",
                "level, or levels by module, e.g. info,runtime::stream=debug",
            ),
        }
    }
}

impl TraceSettings {
    /// Reads whether and which spans are sent.
    pub fn read(source: &mut Source) -> Self {
        let collector: Option<HttpUrl> = source.value(
            "otlp-endpoint",
            "",
            "OpenTelemetry collector that gets spans (OTLP over HTTP), e.g. http://127.0.0.1:4318",
        );
        let plain = collector.as_ref().is_none_or(|url| url.as_str().starts_with("http://"));
        source.check(
            "otlp-endpoint",
            plain,
            "must be http://: name a collector near by, and let that one encrypt what leaves the site",
        );
        let about = "share of the traces begun here that are sampled, 0 to 1; a trace begun elsewhere follows the flag of its traceparent";
        Self { collector, sample_ratio: source.within("trace-sample-ratio", "1", 0.0..=1.0, about) }
    }
}
