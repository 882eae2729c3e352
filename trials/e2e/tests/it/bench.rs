use std::time::Duration;

use bench::overload::{self, Ladder};
use bench::{self, BenchPlan, Measure, Progress, Report};
use ctl::terminal::Bar;

use e2e::service_binaries;

async fn measured(measures: &[Measure]) -> Report {
    let second = Duration::from_secs(1);
    // Throughput is irrelevant here: no wait for an idle machine.
    let plan = BenchPlan {
        time: second,
        patience: Duration::ZERO,
        stored: (10, 100),
        ..BenchPlan::quick(measures.to_vec())
    };
    let report =
        Box::pin(bench::run(&plan, Some(service_binaries().to_path_buf()), &Progress::new(&plan))).await;
    report.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn yardsticks_and_orders_that_nothing_consumes_are_measured_and_their_rows_have_ratios() {
    let report = measured(&[Measure::Y1, Measure::Y1s, Measure::Y2, Measure::Post]).await;
    assert!(report.figures.iter().all(|measured| measured.median > 0.0), "{report:?}");
    let rows: Vec<&str> = report.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows, ["accepted, consumers stopped / Y1"]);
    assert!(report.rows[0].ratio > 0.0 && report.cores["post"]["payment"] > 0.0, "{report:?}");
    assert!(bench::svg(&report).contains("accepted, consumers stopped / Y1"));
}

#[tokio::test]
async fn orders_are_measured_to_their_end_beside_stored_ones_and_one_at_a_time() {
    let report =
        measured(&[Measure::Stored, Measure::Consumer, Measure::Drain, Measure::Single, Measure::Latency])
            .await;
    assert_eq!(report.figures.len(), 9, "{report:?}");
    assert!(report.figures.iter().all(|measured| measured.median > 0.0), "{report:?}");
}

#[tokio::test]
async fn orders_are_measured_for_customers_who_wait_and_at_two_instances_beside_one() {
    let report = measured(&[Measure::Wait64, Measure::TwoInstances]).await;
    assert_eq!(report.figures.len(), 6, "{report:?}");
    assert!(report.figures.iter().all(|measured| measured.median > 0.0), "{report:?}");
}

#[tokio::test]
async fn offered_accepted_and_finished_orders_are_counted_apart_and_drawn() {
    let second = Duration::from_secs(1);
    // Little enough for a busy machine.
    let ladder = Ladder {
        capacity: Some(40.0),
        times: vec![0.5, 1.0],
        time: second,
        probe: second,
        patience: Duration::ZERO,
    };
    let report =
        Box::pin(overload::run(&ladder, Some(service_binaries().to_path_buf()), &Bar::new(2, "loads"))).await;
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    for rung in &report.rungs {
        let step = &rung.step;
        assert!(step.offered > 0.0 && step.accepted > 0.0 && step.accepted <= step.offered, "{step:?}");
        assert!(step.p50_ms.is_some_and(|p50| p50 > 0.0) && step.p50_ms <= step.p99_ms, "{step:?}");
    }
    assert!(overload::svg(&report).contains("came to their end"));
}
