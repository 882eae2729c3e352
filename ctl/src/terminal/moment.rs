use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-30 08:00`, in the time zone of this machine.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
