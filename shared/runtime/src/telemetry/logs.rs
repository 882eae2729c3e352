use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use tracing::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::settings::Value;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    /// One JSON object a line.
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

/// Logs the parameters of every statement at debug.
const STATEMENTS: &str = "tokio_postgres";

/// A level, and levels of modules.
#[derive(Clone)]
pub struct LogFilter(Targets);

impl Value for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        let mut filter = Targets::new();
        for part in text.split(',').map(str::trim) {
            let (module, level) = match part.split_once('=') {
                Some((module, level)) => (Some(module), level),
                None => (None, part),
            };
            let is_module = |name: &str| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
            };
            let readable = !level.is_empty() && module.is_none_or(is_module);
            let Some(level) = level.parse::<LevelFilter>().ok().filter(|_| readable) else {
                return Err(format!(
                    "expected LEVEL or MODULE=LEVEL, of off, error, warn, info, debug and trace, got `{part}`"
                ));
            };
            if level > LevelFilter::INFO && module.is_some_and(|module| module.starts_with(STATEMENTS)) {
                return Err(format!(
                    "{STATEMENTS} logs stored values, keys and password hashes too, below info; got `{part}`"
                ));
            }
            filter = match module {
                Some(module) => filter.with_target(module, level),
                None => filter.with_default(level),
            };
        }
        if filter.would_enable(STATEMENTS, &Level::DEBUG) {
            filter = filter.with_target(STATEMENTS, LevelFilter::INFO);
        }
        Ok(Self(filter))
    }
}

impl LogFilter {
    /// Whether it logs anything below info.
    pub fn is_verbose(&self) -> bool {
        let levels = self.0.iter().map(|(_, level)| level).chain(self.0.default_level());
        levels.max().is_some_and(|level| level > LevelFilter::INFO)
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Sends logs to standard output; call it once, before the first line.
pub fn install_logs(format: LogFormat, filter: &LogFilter) {
    let registry = tracing_subscriber::registry().with(filter.0.clone());
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second installation happens only in tests with several services.
    _ = match format {
        LogFormat::Pretty => {
            let layer = tracing_subscriber::fmt::layer().with_writer(|| OneLine(io::stdout()));
            registry.with(layer.with_ansi(colour).with_target(false)).try_init()
        }
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false))
            .try_init(),
    };
}

/// Escapes the line breaks inside of an event, so that no value forges a line. The formatter escapes ESC itself,
/// and writes each event at once.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        let mut line = Vec::with_capacity(event.len());
        for byte in text {
            match byte {
                b'\n' => line.extend(b"\\n"),
                b'\r' => line.extend(b"\\r"),
                other => line.push(*other),
            }
        }
        line.extend(&event[text.len()..]);
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_line_breaks_stays_on_its_line() {
        let mut written = OneLine(Vec::new());
        written.write_all("INFO reason=a\r\n2026 INFO forged ü\n".as_bytes()).expect("it is written");
        assert_eq!(written.0, "INFO reason=a\\r\\n2026 INFO forged ü\n".as_bytes());
    }

    #[test]
    fn no_filter_lets_a_line_through_that_holds_what_is_stored() {
        for text in ["trace", "debug", "off,tokio_postgres=info", "tokio=trace,debug"] {
            let filter = LogFilter::parse(text).expect("a filter");
            assert!(!filter.0.would_enable("tokio_postgres::query", &Level::DEBUG), "{text}");
        }
        assert!(
            !LogFilter::parse("error").expect("a filter").0.would_enable(STATEMENTS, &Level::INFO),
            "nothing is added"
        );
        assert!(
            LogFilter::parse("tokio_postgres::query=debug")
                .is_err_and(|error| error.contains("keys and password hashes"))
        );
    }

    #[test]
    fn a_log_filter_is_levels_and_levels_by_module() {
        let read = |text| LogFilter::parse(text).map(|filter| format!("{filter:?}"));
        assert_eq!(read("info, runtime::stream=debug").as_deref(), Ok("runtime::stream=debug,info"));
        for refused in
            ["", "loud", "a=", "=info", "a[span]=info", "a[{field=1}]=info", "runtime::stream", "info,,warn"]
        {
            assert!(
                read(refused).is_err_and(|error| error.starts_with("expected LEVEL or MODULE=LEVEL")),
                "{refused}"
            );
        }
    }
}
