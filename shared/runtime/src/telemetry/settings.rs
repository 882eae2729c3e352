use super::{LogFilter, LogFormat};
use crate::settings::{Production, Source};

/// The settings of logs.
#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: LogFilter,
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
