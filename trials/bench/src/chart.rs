//! The targets as bars on one scale, where each goal is 1.

use std::fmt::Write;

use super::report::Report;
use super::rows::{Better, Row, Verdict};

const WIDTH: f64 = 1030.0;
const ROW: f64 = 30.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 350.0;
const GOAL: f64 = 680.0;
/// The longest bar in goals, with room for the numbers.
const MOST: f64 = 1.33;

/// Draws the targets as SVG.
#[must_use]
pub fn svg(report: &Report) -> String {
    let height = TOP + ROW * report.rows.len() as f64 + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let _ = writeln!(
        svg,
        "{}",
        text(16.0, 26.0, "font-size=\"17\" font-weight=\"bold\"", "Orderflow beside its yardsticks")
    );
    let _ = writeln!(svg, "{}", text(16.0, 46.0, "fill=\"#57606a\"", &subtitle(report)));
    for (index, row) in report.rows.iter().enumerate() {
        let _ = writeln!(svg, "{}", bar(row, TOP + ROW * index as f64));
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{GOAL}\" y1=\"{}\" x2=\"{GOAL}\" y2=\"{}\" stroke=\"#24292f\" stroke-dasharray=\"4 3\"/>",
        TOP - 6.0,
        height - 36.0
    );
    let legend = "Dashed line: the goal. Tick: the floor. Green: goal reached. Amber: floor reached. Red: below the floor.";
    let _ = writeln!(svg, "{}", text(16.0, height - 14.0, "fill=\"#57606a\"", legend));
    svg + "</svg>\n"
}

fn subtitle(report: &Report) -> String {
    let machine = &report.machine;
    let plan = &report.plan;
    format!(
        "Medians of {} round(s) of {} s, everything on {} cores ({})",
        plan.rounds, plan.seconds, machine.cores, machine.cpu
    )
}

fn bar(row: &Row, y: f64) -> String {
    let at = |share: f64| LEFT + (GOAL - LEFT) * share.clamp(0.0, MOST);
    let end = at(row.share());
    let floor = at(row.floor_share());
    let way = if row.better == Better::Lower { "less is better, " } else { "" };
    let numbers = format!("{:.2} ({way}floor {}, goal {})", row.ratio, row.floor, row.goal);
    [
        text(LEFT - 10.0, y + 16.0, "text-anchor=\"end\"", &row.name),
        format!("<rect x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"16\" rx=\"2\" fill=\"{}\"/>", y + 3.0, end - LEFT, fill(row.verdict)),
        format!("<line x1=\"{floor:.1}\" y1=\"{}\" x2=\"{floor:.1}\" y2=\"{}\" stroke=\"#24292f\" stroke-width=\"2\"/>", y, y + 22.0),
        text(end.max(GOAL).max(floor) + 10.0, y + 16.0, "fill=\"#57606a\" font-size=\"12\"", &numbers),
    ]
    .join("\n")
}

/// A text element with its words escaped.
pub fn text(x: f64, y: f64, style: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{}</text>", escaped(words))
}

fn fill(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Below => "#cf222e",
        Verdict::At => "#d4a72c",
        Verdict::Above => "#2da44e",
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::TARGETS;

    fn row(ratio: f64) -> Row {
        let target = TARGETS[0];
        target.row(|figure| Some(if figure == target.ours { ratio } else { 1.0 })).expect("a row")
    }

    #[test]
    fn a_bar_ends_at_the_goal_when_the_goal_is_just_reached_and_never_leaves_the_picture() {
        assert!(bar(&row(2.0), 0.0).contains(&format!("width=\"{:.1}\" height=\"16\"", GOAL - LEFT)));
        assert!(
            bar(&row(1000.0), 0.0).contains(&format!("width=\"{:.1}\" height=\"16\"", (GOAL - LEFT) * MOST))
        );
        assert!(bar(&row(0.0), 0.0).contains("width=\"0.0\" height=\"16\""));
    }

    #[test]
    fn the_colour_tells_the_verdict() {
        for (ratio, colour) in [(1.0, "#cf222e"), (1.5, "#d4a72c"), (2.5, "#2da44e")] {
            assert!(bar(&row(ratio), 0.0).contains(colour), "{ratio}");
        }
    }

    #[test]
    fn names_cannot_break_the_document() {
        assert_eq!(escaped("a<b & c>d"), "a&lt;b &amp; c&gt;d");
    }
}
