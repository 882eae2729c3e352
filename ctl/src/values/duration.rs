use std::time::Duration;

use jiff::SignedDuration;

/// `30s`, `1m 30s`, `500ms`; a number alone is in seconds. Above 0.
pub fn duration(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let text = if is_number { format!("{text}s") } else { text.to_owned() };
    let parsed = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    parsed.filter(|time| !time.is_zero()).ok_or_else(|| {
        "must be a time above 0, such as 30s, 5m or 500ms; a number alone is in seconds".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_in_seconds() {
        assert_eq!(duration("5"), duration("5s"));
        assert_eq!(duration("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn a_time_that_is_none_is_a_usage_error() {
        for text in ["0", "0s", "-5s", "-5", "soon", "", ".", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
