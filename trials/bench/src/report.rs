//! The medians of a run as text and JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cores::Cores;
use super::machine::Machine;
use super::rows::{Row, TARGETS, Verdict};
use super::{BenchPlan, Figure, Reading};
use ctl::terminal::{Colour, Paint, table};

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Targets with measured figures.
    pub rows: Vec<Row>,
    pub figures: Vec<Measured>,
    /// By measurement and group.
    pub cores: BTreeMap<String, Cores>,
    pub machine: Machine,
    #[serde(rename = "terms")]
    pub plan: ReportedPlan,
    /// Such as `round 2 e2e`.
    pub disturbed: Vec<String>,
}

/// A figure over all rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    #[serde(skip)]
    pub figure: Figure,
    pub name: &'static str,
    /// `1/s`, `ms`, `MiB`, `us`, `ratio`
    pub unit: String,
    pub median: f64,
    pub rounds: Vec<f64>,
}

/// The reported part of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct ReportedPlan {
    pub rounds: usize,
    pub seconds: u64,
    /// Few and many.
    pub stored_orders: (u32, u32),
    /// The end of the run.
    pub at: String,
}

impl Report {
    pub fn new(readings: &[Reading], plan: &BenchPlan, machine: Machine) -> Self {
        let figures = figures(readings);
        let of = |figure| {
            figures.iter().find(|measured| measured.figure == figure).map(|measured| measured.median)
        };
        let disturbed = readings.iter().filter(|reading| reading.is_disturbed());
        Self {
            rows: TARGETS.iter().filter_map(|target| target.row(of)).collect(),
            cores: cores(readings),
            machine,
            plan: ReportedPlan {
                rounds: plan.rounds,
                seconds: plan.time.as_secs(),
                stored_orders: plan.stored,
                at: jiff::Timestamp::now().to_string(),
            },
            disturbed: disturbed
                .map(|reading| format!("round {} {}", reading.round, reading.measure.name()))
                .collect(),
            figures,
        }
    }

    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let mut parts = vec![self.heading(), table(&self.figure_rows()), table(&self.core_rows())];
        if !self.rows.is_empty() {
            parts.push(table(&self.target_rows(paint)));
        }
        if !self.disturbed.is_empty() {
            let text =
                format!("Disturbed by others, and to be measured again: {}", self.disturbed.join(", "));
            parts.push(paint.paint(Colour::Yellow, text));
        }
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let Machine { cores, cpu, memory_gib, postgres, redis, .. } = &self.machine;
        let ReportedPlan { rounds, seconds, .. } = &self.plan;
        let machine =
            format!("{cores} cores ({cpu}), {memory_gib:.0} GiB, PostgreSQL {postgres}, Redis {redis}");
        format!("{machine}\nMedians of {rounds} round(s) of {seconds} s")
    }

    fn figure_rows(&self) -> Vec<Vec<String>> {
        let row = |measured: &Measured| {
            let rounds: Vec<String> =
                measured.rounds.iter().map(|value| measured.figure.show(*value)).collect();
            vec![measured.name.to_owned(), measured.figure.show(measured.median), rounds.join("  ")]
        };
        [heading(&["MEASURED", "MEDIAN", "ROUNDS"])].into_iter().chain(self.figures.iter().map(row)).collect()
    }

    fn core_rows(&self) -> Vec<Vec<String>> {
        const WHO: [&str; 8] =
            ["user", "inventory", "payment", "redis", "postgres", "generator", "foreign", "stolen"];
        let row = |(measure, cores): (&String, &Cores)| {
            let used = WHO
                .iter()
                .map(|who| cores.get(*who).map_or_else(|| "-".to_owned(), |used| format!("{used:.2}")));
            [measure.clone()].into_iter().chain(used).collect()
        };
        let first = heading(&[
            "CORES",
            "USER",
            "INVENTORY",
            "PAYMENT",
            "REDIS",
            "POSTGRES",
            "GENERATOR",
            "FOREIGN",
            "STOLEN",
        ]);
        [first].into_iter().chain(self.cores.iter().map(row)).collect()
    }

    fn target_rows(&self, paint: Paint) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let mut cells = vec![row.name.clone(), short(row.ours), short(row.yardstick)];
            cells.extend([row.ratio, row.floor, row.goal].map(|number| format!("{number:.2}")));
            // The colour comes last, because its codes would count as width.
            cells.push(paint.paint(colour(row.verdict), row.verdict.name()));
            cells
        };
        let first = heading(&["TARGET", "OURS", "YARDSTICK", "RATIO", "FLOOR", "GOAL", ""]);
        [first].into_iter().chain(self.rows.iter().map(row)).collect()
    }
}

/// The mean of the middle two for an even count; `None` of an empty slice.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let low = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    let high = sorted.get(sorted.len() / 2)?;
    Some(f64::midpoint(*low, *high))
}

fn figures(readings: &[Reading]) -> Vec<Measured> {
    let mut all = BTreeMap::<Figure, Vec<f64>>::new();
    for (figure, value) in readings.iter().flat_map(|reading| &reading.figures) {
        all.entry(*figure).or_default().push(*value);
    }
    let measured = |(figure, rounds): (Figure, Vec<f64>)| {
        Some(Measured {
            figure,
            name: figure.name(),
            unit: figure.unit().to_string(),
            median: median(&rounds)?,
            rounds,
        })
    };
    all.into_iter().filter_map(measured).collect()
}

fn cores(readings: &[Reading]) -> BTreeMap<String, Cores> {
    let mut all = BTreeMap::<String, BTreeMap<String, Vec<f64>>>::new();
    for reading in readings {
        let of = all.entry(reading.measure.name()).or_default();
        for (who, used) in &reading.cores {
            of.entry(who.clone()).or_default().push(*used);
        }
    }
    let medians = |of: BTreeMap<String, Vec<f64>>| {
        of.into_iter().filter_map(|(who, used)| Some((who, median(&used)?))).collect()
    };
    all.into_iter().map(|(measure, of)| (measure, medians(of))).collect()
}

fn heading(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn colour(verdict: Verdict) -> Colour {
    match verdict {
        Verdict::Below => Colour::Red,
        Verdict::At => Colour::Yellow,
        Verdict::Above => Colour::Green,
    }
}

/// Three digits or more.
fn short(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!((median(&[7.0]), median(&[])), (Some(7.0), None));
    }

    #[test]
    fn rounds_become_medians_and_a_foreign_quarter_of_a_core_is_told() {
        let reading = |round, confirmed, foreign| Reading {
            round,
            ..Reading::new(
                super::super::Measure::E2e,
                vec![(Figure::Confirmed, confirmed), (Figure::Y1, 100.0)],
                [("foreign".to_owned(), foreign)].into(),
            )
        };
        let readings = [reading(1, 100.0, 0.1), reading(2, 300.0, 0.3), reading(3, 200.0, 0.0)];
        let machine = Machine {
            cores: 2,
            cpu: String::new(),
            memory_gib: 1.0,
            kernel: String::new(),
            postgres: String::new(),
            redis: String::new(),
        };
        let report = Report::new(&readings, &BenchPlan::full(Vec::new()), machine);
        assert!((report.rows[0].ratio - 2.0).abs() < 1e-9 && report.rows[0].verdict == Verdict::Above);
        assert_eq!(report.figures[0].rounds, [100.0, 300.0, 200.0]);
        assert!((report.cores["e2e"]["foreign"] - 0.1).abs() < 1e-9);
        assert_eq!(report.disturbed, ["round 2 e2e"]);
        let text = report.render(Paint::PLAIN);
        assert!(text.contains("200") && text.contains("above") && text.contains("round 2 e2e"), "{text}");
    }
}
