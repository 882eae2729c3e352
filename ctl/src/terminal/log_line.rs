use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{Colour, Paint, printable};
use crate::stack::{Kind, ServiceId};

/// Fields with a fixed place, and fields left out.
const PLACED: [&str; 7] = ["timestamp", "level", "message", "target", "fields", "span", "spans"];
/// `inventory-2`
const PREFIX: usize = 11;

/// `12:34:56.789 payment     INFO  listening http=127.0.0.1:8001`; other lines are shown as they are,
/// without control characters.
#[must_use]
pub fn render(service: ServiceId, line: &str, zone: &TimeZone, paint: Paint) -> String {
    let prefix = paint.paint(service_colour(service.kind), format!("{service:<PREFIX$}"));
    let Ok(Value::Object(mut record)) = serde_json::from_str::<Value>(line) else {
        return format!("{prefix} {}", printable(line));
    };
    if let Some(Value::Object(fields)) = record.remove("fields") {
        record.extend(fields);
    }
    let time = paint.paint(Colour::Dim, time(&record, zone));
    let level = text(&record, "level");
    let level = paint.paint(level_colour(&level), format!("{level:<5}"));
    format!("{time} {prefix} {level} {}{}", text(&record, "message"), fields(&record, paint))
}

fn time(record: &Map<String, Value>, zone: &TimeZone) -> String {
    let timestamp = text(record, "timestamp");
    match timestamp.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string(),
        Err(_) => timestamp,
    }
}

fn text(record: &Map<String, Value>, field: &str) -> String {
    record.get(field).map(shown).unwrap_or_default()
}

fn fields(record: &Map<String, Value>, paint: Paint) -> String {
    let others = record.iter().filter(|(name, _)| !PLACED.contains(&name.as_str()));
    others
        .map(|(name, value)| format!(" {}{}", paint.paint(Colour::Dim, format!("{name}=")), shown(value)))
        .collect()
}

/// One record is one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

fn service_colour(kind: Kind) -> Colour {
    match kind {
        Kind::User => Colour::Cyan,
        Kind::Inventory => Colour::Blue,
        Kind::Payment => Colour::Magenta,
    }
}

fn level_colour(level: &str) -> Colour {
    match level {
        "ERROR" => Colour::Red,
        "WARN" => Colour::Yellow,
        "INFO" => Colour::Green,
        _ => Colour::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> String {
        render(ServiceId { kind: Kind::Payment, instance: 1 }, line, &TimeZone::UTC, Paint::PLAIN)
    }

    #[test]
    fn a_json_line_becomes_time_service_level_message_and_fields() {
        let line = r#"{"timestamp":"2026-01-01T12:34:56.789123Z","level":"INFO","message":"listening","target":"payment","http":"127.0.0.1:8001","workers":2}"#;
        let expected = "12:34:56.789 payment     INFO  listening http=127.0.0.1:8001 workers=2";
        assert_eq!(plain(line), expected);
    }

    #[test]
    fn nested_fields_are_shown_like_flat_ones() {
        let line =
            r#"{"timestamp":"2026-01-01T12:34:56Z","level":"WARN","fields":{"message":"slow","took":"3s"}}"#;
        assert_eq!(plain(line), "12:34:56.000 payment     WARN  slow took=3s");
    }

    #[test]
    fn a_line_that_is_not_json_stays_readable() {
        let line = "thread 'main' panicked at src/main.rs:1";
        assert_eq!(plain(line), format!("payment     {line}"));
    }

    #[test]
    fn one_record_is_one_line() {
        assert_eq!(plain(r#"{"level":"ERROR","message":"a\nb"}"#).lines().count(), 1);
    }
}
