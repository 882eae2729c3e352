//! Goodput and accepted orders against offered load, with the ideal.

use std::fmt::Write;

use super::super::chart::text;
use super::report::{OverloadReport, Rung};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 920.0;
const TOP: f64 = 90.0;
const BOTTOM: f64 = 440.0;
/// The most grid lines on an axis, which leaves room for labels.
const GRID: f64 = 8.0;
const ACCEPTED: &str = "#8250df";
const GOODPUT: &str = "#1a7f37";
const IDEAL: &str = "#57606a";

/// Draws the loads as SVG.
#[must_use]
pub fn svg(report: &OverloadReport) -> String {
    let scale = Scale::of(report);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let _ = writeln!(
        svg,
        "{}",
        text(
            16.0,
            26.0,
            "font-size=\"17\" font-weight=\"bold\"",
            "Orderflow under overload: goodput against offered load"
        )
    );
    let _ = writeln!(svg, "{}", text(16.0, 46.0, "fill=\"#57606a\"", &subtitle(report)));
    svg += &legend();
    svg += &grid(&scale);
    let most = scale.offered;
    let ideal = [
        (0.0, 0.0),
        (report.capacity.min(most), report.capacity.min(most)),
        (most, report.capacity.min(most)),
    ];
    svg += &line(&scale, &ideal, IDEAL, "stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
    for (colour, of) in [(ACCEPTED, accepted as fn(&Rung) -> f64), (GOODPUT, goodput)] {
        let points: Vec<(f64, f64)> = report.rungs.iter().map(|rung| (rung.step.offered, of(rung))).collect();
        svg += &line(&scale, &[&[(0.0, 0.0)], points.as_slice()].concat(), colour, "stroke-width=\"2.5\"");
        svg += &dots(&scale, &points, colour);
    }
    svg + "</svg>\n"
}

fn accepted(rung: &Rung) -> f64 {
    rung.step.accepted
}

fn goodput(rung: &Rung) -> f64 {
    rung.step.goodput
}

fn subtitle(report: &OverloadReport) -> String {
    let capacity = report.capacity;
    let seconds = report.seconds;
    let cores = report.cores_of_the_stack;
    let cpu = &report.machine.cpu;
    format!(
        "Capacity {capacity:.0} orders/s. Loads of {seconds} s, {cores} core(s) for the stack, another for the generator ({cpu})"
    )
}

fn legend() -> String {
    let entries = [
        (GOODPUT, "", "came to their end"),
        (ACCEPTED, "", "accepted (202)"),
        (IDEAL, "stroke-dasharray=\"6 4\"", "ideal: all, up to the capacity"),
    ];
    let mut legend = String::new();
    for (index, (colour, style, words)) in entries.into_iter().enumerate() {
        let x = LEFT + 190.0 * index as f64;
        let _ = writeln!(
            legend,
            "<line x1=\"{x}\" y1=\"68\" x2=\"{}\" y2=\"68\" stroke=\"{colour}\" stroke-width=\"2.5\" {style}/>",
            x + 28.0
        );
        let _ = writeln!(legend, "{}", text(x + 36.0, 72.0, "", words));
    }
    legend
}

struct Scale {
    offered: f64,
    answered: f64,
}

impl Scale {
    fn of(report: &OverloadReport) -> Self {
        let most =
            |of: fn(&Rung) -> f64| report.rungs.iter().map(of).fold(report.capacity.max(1.0), f64::max);
        Self { offered: most(|rung| rung.step.offered), answered: most(accepted).max(most(goodput)) * 1.1 }
    }

    fn x(&self, offered: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * offered / self.offered
    }

    fn y(&self, answered: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * answered / self.answered
    }
}

fn grid(scale: &Scale) -> String {
    let mut grid = String::new();
    let pale = "stroke=\"#d0d7de\"";
    for value in ticks(scale.answered) {
        let y = scale.y(value);
        let _ = writeln!(grid, "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\" {pale}/>");
        let _ = writeln!(
            grid,
            "{}",
            text(LEFT - 10.0, y + 4.0, "text-anchor=\"end\" fill=\"#57606a\"", &value.to_string())
        );
    }
    for value in ticks(scale.offered) {
        let x = scale.x(value);
        let _ = writeln!(grid, "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\" {pale}/>");
        let _ = writeln!(
            grid,
            "{}",
            text(x, BOTTOM + 20.0, "text-anchor=\"middle\" fill=\"#57606a\"", &value.to_string())
        );
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    let _ = writeln!(
        grid,
        "{}",
        text(middle, BOTTOM + 46.0, "text-anchor=\"middle\"", "orders offered a second (open loop)")
    );
    let upright =
        format!("text-anchor=\"middle\" transform=\"rotate(-90 22 {0})\"", f64::midpoint(TOP, BOTTOM));
    let _ = writeln!(grid, "{}", text(22.0, f64::midpoint(TOP, BOTTOM), &upright, "orders a second"));
    grid
}

/// Round numbers from 0 to `most`.
fn ticks(most: f64) -> impl Iterator<Item = f64> {
    let rough = most / GRID;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    (0..).map(move |index| step * f64::from(index)).take_while(move |value| *value <= most)
}

fn line(scale: &Scale, points: &[(f64, f64)], colour: &str, style: &str) -> String {
    let points: Vec<String> =
        points.iter().map(|(x, y)| format!("{:.1},{:.1}", scale.x(*x), scale.y(*y))).collect();
    format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" {style}/>\n", points.join(" "))
}

fn dots(scale: &Scale, points: &[(f64, f64)], colour: &str) -> String {
    let dot = |(x, y): &(f64, f64)| {
        format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>\n", scale.x(*x), scale.y(*y))
    };
    points.iter().map(dot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_round_numbers_and_not_too_many() {
        assert_eq!(ticks(1000.0).collect::<Vec<_>>(), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(ticks(7.0).last(), Some(7.0));
    }

    #[test]
    fn nothing_lies_outside_of_the_axes() {
        let scale = Scale { offered: 5000.0, answered: 1100.0 };
        assert!((scale.x(0.0) - LEFT).abs() < 1e-9 && (scale.x(5000.0) - RIGHT).abs() < 1e-9);
        assert!((scale.y(0.0) - BOTTOM).abs() < 1e-9 && (scale.y(1100.0) - TOP).abs() < 1e-9);
    }
}
