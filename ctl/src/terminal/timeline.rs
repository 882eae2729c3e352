use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Colour, Paint};
use crate::api::{Order, Transition};

/// `order 0198…  12.99 EUR  refunded (insufficient-stock)`
#[must_use]
pub fn render_order(order: &Order, paint: Paint) -> String {
    let reason = order.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("order {}  {}  {}{reason}", order.id, order.total, paint.status(&order.status))
}

/// `  12:34:56.789  2  completed  charge-succeeded`
#[must_use]
pub fn render_transition(transition: &Transition, zone: &TimeZone, paint: Paint) -> String {
    let time = transition.at.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string();
    // Escape codes would count as width.
    let padding = " ".repeat(9_usize.saturating_sub(transition.status.len()));
    let cause = transition.cause.as_ref().map(cause).unwrap_or_default();
    let line = format!(
        "  {}  {}  {}{padding}  {cause}",
        paint.paint(Colour::Dim, time),
        transition.version,
        paint.status(&transition.status),
    );
    line.trim_end().to_owned()
}

fn cause(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_is_one_line_with_time_version_status_and_cause() {
        let text = r#"{"version":2,"status":"completed","at":"2026-01-01T12:34:56.789Z","cause":"charged"}"#;
        let transition: Transition = serde_json::from_str(text).expect("a transition");
        let line = render_transition(&transition, &TimeZone::UTC, Paint::PLAIN);
        assert_eq!(line, "  12:34:56.789  2  completed  charged");
    }
}
