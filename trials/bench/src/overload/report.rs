//! A ladder of loads as text and JSON.

use serde::Serialize;

use super::super::machine::Machine;
use super::Ladder;
use super::capacity::Capacity;
use super::step::Step;
use ctl::terminal::{Colour, Paint, table};

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct OverloadReport {
    /// Orders a second at which the stack keeps pace.
    pub capacity: f64,
    /// The loads that found the capacity.
    pub probes: Vec<Step>,
    /// The smallest load first.
    pub rungs: Vec<Rung>,
    pub seconds: u64,
    pub cores_of_the_stack: usize,
    pub machine: Machine,
    /// The end of the run.
    pub at: String,
}

/// A load against the capacity.
#[derive(Debug, Clone, Serialize)]
pub struct Rung {
    /// The intended multiple of the capacity.
    pub times: f64,
    pub of_capacity: f64,
    #[serde(flatten)]
    pub step: Step,
}

impl OverloadReport {
    pub(super) fn new(
        found: Capacity,
        steps: Vec<Step>,
        ladder: &Ladder,
        cores_of_the_stack: usize,
        machine: Machine,
    ) -> Self {
        let Capacity { per_second: capacity, probes } = found;
        let rung =
            |(times, step): (&f64, Step)| Rung { times: *times, of_capacity: step.goodput / capacity, step };
        Self {
            capacity,
            probes,
            rungs: ladder.times.iter().zip(steps).map(rung).collect(),
            seconds: ladder.time.as_secs(),
            cores_of_the_stack,
            machine,
            at: jiff::Timestamp::now().to_string(),
        }
    }

    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let Machine { cpu, postgres, redis, .. } = &self.machine;
        let cores = self.cores_of_the_stack;
        let mut parts = vec![
            format!(
                "{cores} core(s) for the stack, one for the generator ({cpu}), PostgreSQL {postgres}, Redis {redis}"
            ),
            format!(
                "Capacity: {:.0} orders/s from POST to their end; loads of {} s",
                self.capacity, self.seconds
            ),
            table(&self.rows()),
        ];
        let disturbed: Vec<String> = self
            .rungs
            .iter()
            .filter(|rung| rung.step.is_disturbed())
            .map(|rung| format!("{} times", rung.times))
            .collect();
        if !disturbed.is_empty() {
            let text = format!("Disturbed by others, and to be measured again: {}", disturbed.join(", "));
            parts.push(paint.paint(Colour::Yellow, text));
        }
        parts.join("\n\n")
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "TIMES",
            "OFFERED/S",
            "ACCEPTED/S",
            "REFUSED/S",
            "BROKEN/S",
            "TO THEIR END/S",
            "OF CAPACITY",
            "P50",
            "P99",
        ];
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1} ms"));
        let row = |rung: &Rung| {
            let Step { offered, accepted, refused, broken, goodput, p50_ms, p99_ms, .. } = &rung.step;
            let mut cells = vec![rung.times.to_string()];
            cells.extend([offered, accepted, refused, broken, goodput].map(|rate| format!("{rate:.0}")));
            cells.extend([format!("{:.2}", rung.of_capacity), ms(*p50_ms), ms(*p99_ms)]);
            cells
        };
        [heading.map(str::to_owned).to_vec()].into_iter().chain(self.rungs.iter().map(row)).collect()
    }
}
