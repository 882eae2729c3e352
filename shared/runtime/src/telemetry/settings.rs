use super::{LogFilter, LogFormat};
use crate::settings::{HttpUrl, Production, Source};

/// The settings of logs.
#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: LogFilter,
}

/// The settings of traces.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// `None`: no spans are made.
    pub collector: Option<HttpUrl>,
    /// 0 to 1.
    pub sample_ratio: f64,
}

impl LogSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        Self {
            format: source.value(
                "log-format",
                "auto",
                "form of log lines: auto, pretty or json (auto: pretty on a terminal, otherwise json)",
            ),
            filter: source.value(
                "log-filter",
                "info,actix_server=warn,refinery_core=warn,tokio_postgres=warn",
                "level of logged lines, or levels by module, e.g. info,runtime::stream=debug",
            ),
        }
    }

    /// Production mode takes info and what is more important.
    pub fn check(&self, source: &mut Source, production: Production) {
        let rule = "must be info or less with `production`: lines below it are for developers";
        production.check_absent(source, "log-filter", self.filter.is_verbose(), rule);
    }
}

impl TraceSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        let collector: Option<HttpUrl> = source.value(
            "otlp-endpoint",
            "",
            "OpenTelemetry collector of spans (OTLP over HTTP), e.g. http://127.0.0.1:4318",
        );
        let plain = collector.as_ref().is_none_or(|url| url.as_str().starts_with("http://"));
        source.check(
            "otlp-endpoint",
            plain,
            "must be http://: name a collector nearby that encrypts its own connections",
        );
        let about = "share of new traces that are sampled, 0 to 1; a trace begun elsewhere follows the flag \
                     of its traceparent";
        Self { collector, sample_ratio: source.within("trace-sample-ratio", "1", 0.0..=1.0, about) }
    }
}
