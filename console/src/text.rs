//! Values as the pages show them: times, ages, money, curves. Each writes HTML that needs no escaping.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use serde::Deserialize;

/// A moment in UTC. A script may show it in the zone of the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "<time datetime=\"{}\">{shown}</time>", self.0)
    }
}

impl HtmlSafe for Moment {}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// From `earlier` to `later`.
    pub fn between(earlier: Moment, later: Moment) -> Self {
        Self(later.0.duration_since(earlier.0).as_secs_f64())
    }

    pub fn longer(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds < 1.0 => write!(f, "{:.0} ms", seconds * 1000.0),
            seconds if seconds < 10.0 => write!(f, "{seconds:.1} s"),
            seconds if seconds < 120.0 => write!(f, "{seconds:.0} s"),
            seconds if seconds < 7200.0 => write!(f, "{:.0} min", seconds / 60.0),
            seconds if seconds < 172_800.0 => write!(f, "{:.0} h", seconds / 3600.0),
            seconds => write!(f, "{:.0} days", seconds / 86_400.0),
        }
    }
}

impl HtmlSafe for Seconds {}

/// Minor units and an ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: String,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.amount.unsigned_abs();
        let sign = if self.amount < 0 { "-" } else { "" };
        match self.currency.as_str() {
            "EUR" | "USD" | "GBP" | "CHF" => {
                write!(f, "{sign}{}.{:02} {}", units / 100, units % 100, self.currency)
            }
            other => write!(f, "{} {other} (minor units)", self.amount),
        }
    }
}

/// Values of a figure in the order of time, as a curve. One that is not known leaves a gap.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    values: Vec<Option<f64>>,
}

const HEIGHT: f64 = 24.0;

impl Curve {
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self { values: values.into_iter().collect() }
    }

    pub fn most(&self) -> Option<f64> {
        self.values.iter().copied().flatten().reduce(f64::max)
    }

    #[cfg(test)]
    pub fn known(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

impl fmt::Display for Curve {
    /// From the left edge; the highest value touches the top. A value alone is a short line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.most().filter(|most| *most > 0.0).unwrap_or(1.0);
        let width = self.values.len().max(2) - 1;
        write!(f, "<svg class=\"curve\" viewBox=\"0 -1 {width} {}\" ", HEIGHT + 2.0)?;
        f.write_str("preserveAspectRatio=\"none\" aria-hidden=\"true\">")?;
        let mut x = 0;
        for part in self.values.split(Option::is_none) {
            if !part.is_empty() {
                f.write_str("<polyline points=\"")?;
                for (n, value) in part.iter().flatten().enumerate() {
                    write!(f, "{},{:.1} ", x + n, HEIGHT - value / most * HEIGHT)?;
                }
                if let [Some(value)] = part {
                    write!(f, "{x}.9,{:.1}", HEIGHT - value / most * HEIGHT)?;
                }
                f.write_str("\"/>")?;
            }
            x += part.len() + 1;
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for Curve {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short_and_have_a_unit() {
        let shown = [0.04, 3.24, 75.0, 600.0, 10_800.0, 400_000.0].map(|age| Seconds(age).to_string());
        assert_eq!(shown, ["40 ms", "3.2 s", "75 s", "10 min", "3 h", "5 days"]);
    }

    #[test]
    fn a_refund_of_less_than_a_unit_keeps_its_sign() {
        let money = Money { amount: -5, currency: "EUR".to_owned() };
        assert_eq!(money.to_string(), "-0.05 EUR");
    }

    #[test]
    fn a_moment_is_machine_readable_and_in_utc() {
        let moment = Moment("2026-01-02T03:04:05.678Z".parse().expect("a time"));
        let expected = "<time datetime=\"2026-01-02T03:04:05.678Z\">2026-01-02 03:04:05 UTC</time>";
        assert_eq!(moment.to_string(), expected);
    }

    #[test]
    fn a_curve_has_a_line_for_each_stretch_that_is_known() {
        let curve = Curve::of([None, Some(2.0), Some(4.0), None, Some(1.0)]).to_string();
        assert!(curve.contains("viewBox=\"0 -1 4 26\""), "{curve}");
        assert!(curve.contains("<polyline points=\"1,12.0 2,0.0 \"/>"), "{curve}");
        assert!(curve.contains("<polyline points=\"4,18.0 4.9,18.0\"/>"), "{curve}");
    }
}
