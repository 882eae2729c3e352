//! What Prometheus scrapes, in a recorder of its own.

use std::time::Duration;

use ::metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use jiff::Timestamp;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::board::Board;
use super::state::Verdict;

/// Milliseconds, up to the time limit of a part.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

const BROKEN: &str = "orderflow_invariant_broken";
const FINDINGS: &str = "orderflow_invariant_findings";
const CHECKED: &str = "orderflow_invariant_checked_timestamp_seconds";
const ORDERS: &str = "orderflow_verifier_orders_checked_total";
const LOOKS: &str = "orderflow_verifier_looks_total";
const DURATION: &str = "orderflow_verifier_look_duration_seconds";
const OPEN: &str = "orderflow_verifier_open_orders";
const ALL: &str = "orderflow_verifier_all_checked_timestamp_seconds";
const BUILD: &str = "orderflow_build_info";

pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    pub(super) handle: PrometheusHandle,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let of_durations = Matcher::Full(DURATION.to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(of_durations, &SECONDS);
        let builder = builder.unwrap_or_else(|error| unreachable!("the buckets are constants: {error}"));
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let metrics = Self { recorder, handle };
        with_local_recorder(&metrics.recorder, describe);
        metrics
    }

    /// A look that took `time`. `orders`: how many it checked.
    pub(super) fn looked(&self, orders: usize, time: Duration, is_complete: bool) {
        with_local_recorder(&self.recorder, || {
            counter!(ORDERS).increment(orders as u64);
            let outcome = if is_complete { "complete" } else { "incomplete" };
            counter!(LOOKS, "outcome" => outcome).increment(1);
            histogram!(DURATION).record(time);
        });
        self.handle.run_upkeep();
    }

    /// An invariant that is unknown keeps its last verdict: its time says how old that is.
    pub(super) fn show(&self, board: &Board, open: usize, all_checked_at: Option<Timestamp>) {
        with_local_recorder(&self.recorder, || {
            for (invariant, state) in board.states() {
                if let Some(at) = state.checked_at() {
                    let broken = if state.verdict == Verdict::Broken { 1.0 } else { 0.0 };
                    gauge!(BROKEN, "invariant" => invariant.id()).set(broken);
                    gauge!(FINDINGS, "invariant" => invariant.id()).set(state.findings().len() as f64);
                    gauge!(CHECKED, "invariant" => invariant.id()).set(seconds(at));
                }
            }
            gauge!(OPEN).set(open as f64);
            if let Some(at) = all_checked_at {
                gauge!(ALL).set(seconds(at));
            }
        });
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn describe() {
    describe_gauge!(BROKEN, "1: two looks found the same contradiction; 0: none");
    describe_gauge!(FINDINGS, "Contradictions that count, up to 1000");
    describe_gauge!(CHECKED, Unit::Seconds, "Time of the last look that got all answers, since 1970");
    describe_counter!(ORDERS, "Orders checked, each time that they were");
    describe_counter!(LOOKS, "Looks, by outcome; incomplete: a server gave no answer");
    describe_histogram!(DURATION, Unit::Seconds, "Time of one look");
    describe_gauge!(OPEN, "Orders without an end that the verifier follows");
    describe_gauge!(ALL, Unit::Seconds, "Time when all orders had been checked once more, since 1970");
    describe_gauge!(BUILD, "Always 1; the labels say which build this is");
    // A counter is there before its first event: `rate` misses it otherwise.
    counter!(ORDERS).absolute(0);
    counter!(LOOKS, "outcome" => "complete").absolute(0);
    counter!(LOOKS, "outcome" => "incomplete").absolute(0);
    let labels = [
        ("service", "verifier"),
        ("version", build_info::VERSION),
        ("commit", build_info::COMMIT),
        ("rustc", build_info::RUSTC),
    ];
    gauge!(BUILD, &labels).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::watch::part::{Part, Report};

    #[test]
    fn what_was_not_looked_at_has_no_series_and_the_rest_has_help() {
        let metrics = Metrics::new();
        let at = Timestamp::from_second(1000).expect("a time");
        let mut board = Board::new(at, &Part::ALL);
        board.take(Part::Owners, Ok(&Report::default()), at);
        metrics.looked(7, Duration::from_millis(30), true);
        metrics.show(&board, 3, None);
        let text = metrics.handle.render();
        for line in [
            "orderflow_invariant_broken{invariant=\"I9\"} 0",
            "orderflow_invariant_checked_timestamp_seconds{invariant=\"I9\"} 1000",
            "orderflow_verifier_orders_checked_total 7",
            "orderflow_verifier_looks_total{outcome=\"incomplete\"} 0",
            "orderflow_verifier_open_orders 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("invariant=\"I1\""), "{text}");
        let types = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        let helps = text.lines().filter(|line| line.starts_with("# HELP")).count();
        assert_eq!(types, helps, "{text}");
    }
}
