use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::duration;

/// `2026-11-30T08:00:00Z`, `2026-11-30` (midnight, UTC), or how long ago: `15m`.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let exact = || text.parse::<Timestamp>().ok();
    // Jiff reads the date of a longer text, too.
    let day = || (text.len() == 10).then(|| text.parse::<Date>().ok())?;
    let midnight = || Some(day()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let ago = || {
        let ago = SignedDuration::try_from(duration(text).ok().filter(|_| !is_number)?).ok()?;
        Timestamp::now().checked_sub(ago).ok()
    };
    exact().or_else(midnight).or_else(ago).ok_or_else(|| {
        "must be a time such as 2026-11-30T08:00:00Z or 2026-11-30 (UTC), or how long ago, such as 15m"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_exact_or_a_day_or_ago() {
        let exact = time("2026-11-30T08:00:00+01:00").expect("a time");
        assert_eq!(exact.to_string(), "2026-11-30T07:00:00Z");
        assert_eq!(time("2026-11-30").expect("a day").to_string(), "2026-11-30T00:00:00Z");
        let before = Timestamp::now();
        let ago = time("1h").expect("an hour ago") + SignedDuration::from_hours(1);
        assert!((before..=Timestamp::now()).contains(&ago), "{ago}");
    }

    #[test]
    fn a_time_without_its_zone_and_a_number_are_usage_errors() {
        for text in ["", "5", "2026-11-30T08:00:00", "yesterday", "2026-02-30"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
