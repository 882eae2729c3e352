//! Charts as SVG, drawn here: a page needs no script for them.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::{api::products::Movement, text::Moment};

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// Pieces on hand over time, with a step for each movement.
#[derive(Debug)]
pub struct StockChart {
    /// Oldest first.
    steps: Vec<Step>,
    /// At the foot.
    least: i64,
    /// At the top.
    most: i64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    at: Moment,
    before: i64,
    after: i64,
}

impl StockChart {
    /// `movements`: newest first, as the ledger has them. `None` where there is nothing to draw.
    pub fn of(movements: &[Movement]) -> Option<Self> {
        let step = |movement: &Movement| Step {
            at: movement.at,
            before: movement.balance.saturating_sub(movement.delta),
            after: movement.balance,
        };
        let steps: Vec<Step> = movements.iter().rev().map(step).collect();
        let most = steps.iter().map(|step| step.before.max(step.after)).max()?;
        let least = steps.iter().map(|step| step.before.min(step.after)).min()?;
        Some(Self { steps, least, most })
    }

    pub fn least(&self) -> i64 {
        self.least
    }

    pub fn most(&self) -> i64 {
        self.most
    }

    pub fn from(&self) -> Option<Moment> {
        self.steps.first().map(|step| step.at)
    }

    pub fn to(&self) -> Option<Moment> {
        self.steps.last().map(|step| step.at)
    }

    /// The chart in words.
    pub fn words(&self) -> String {
        let [first, .., last] = self.steps.as_slice() else { return "One movement".to_owned() };
        let count = self.steps.len();
        format!("{count} movements, from {} pieces to {}, {} at most", first.before, last.after, self.most)
    }

    /// The last step keeps a piece of the width, or it would lie on the edge.
    fn x(&self, at: Moment) -> f64 {
        let (Some(from), Some(to)) = (self.from(), self.to()) else { return 0.0 };
        let time = |later: Moment| later.0.duration_since(from.0).as_secs_f64();
        10.0 + if time(to) > 0.0 { time(at) / time(to) * (WIDTH - 30.0) } else { 0.0 }
    }

    fn y(&self, pieces: i64) -> f64 {
        let range = self.most.saturating_sub(self.least).max(1);
        HEIGHT - pieces.saturating_sub(self.least) as f64 / range as f64 * HEIGHT
    }
}

impl fmt::Display for StockChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<svg viewBox=\"0 -2 {WIDTH} {}\" preserveAspectRatio=\"none\" role=\"img\" ",
            HEIGHT + 4.0
        )?;
        write!(f, "aria-label=\"{}\"><polyline points=\"", self.words())?;
        let first = self.steps.first().map_or(0, |step| step.before);
        write!(f, "0,{:.1} ", self.y(first))?;
        for step in &self.steps {
            let x = self.x(step.at);
            write!(f, "{x:.1},{:.1} {x:.1},{:.1} ", self.y(step.before), self.y(step.after))?;
        }
        let last = self.steps.last().map_or(0, |step| step.after);
        write!(f, "{WIDTH},{:.1}\"/>", self.y(last))?;
        for step in &self.steps {
            let (x, way) = (self.x(step.at), if step.after < step.before { "out" } else { "in" });
            write!(f, "<line class=\"{way}\" x1=\"{x:.1}\" x2=\"{x:.1}\" ")?;
            write!(f, "y1=\"{:.1}\" y2=\"{:.1}\"/>", self.y(step.before), self.y(step.after))?;
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for StockChart {}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(second: u8, delta: i64, balance: i64) -> Movement {
        let at = format!("2026-01-02T03:04:0{second}Z");
        let json = serde_json::json!({"delta": delta, "balance": balance, "reason": "order", "at": at});
        serde_json::from_value(json).expect("a movement")
    }

    #[test]
    fn each_movement_is_a_step_at_its_time() {
        let chart = StockChart::of(&[movement(4, -5, 5), movement(0, 10, 10)]).expect("a chart");
        assert_eq!(chart.words(), "2 movements, from 0 pieces to 5, 10 at most");
        let svg = chart.to_string();
        assert!(
            svg.contains("points=\"0,120.0 10.0,120.0 10.0,0.0 580.0,0.0 580.0,60.0 600,60.0\""),
            "{svg}"
        );
        assert!(svg.contains("class=\"in\"") && svg.contains("class=\"out\""), "{svg}");
        assert!(StockChart::of(&[]).is_none());
    }
}
