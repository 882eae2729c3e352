use std::time::Duration;

use super::Measure;

/// The extent of a benchmark.
#[derive(Debug, Clone)]
pub struct BenchPlan {
    pub measures: Vec<Measure>,
    pub rounds: usize,
    /// The most repetitions of a disturbed measurement.
    pub repeats: usize,
    /// The duration of each load.
    pub time: Duration,
    /// The duration of `ten-minutes`: ten of its minutes.
    pub long: Duration,
    /// The load before each measurement.
    pub warm_up: Duration,
    /// The longest wait for an idle machine.
    pub patience: Duration,
    /// Few and many.
    pub stored: (u32, u32),
    /// The least events that wait for inventory.
    pub backlog: i64,
}

impl BenchPlan {
    /// The plan by which targets are judged.
    #[must_use]
    pub fn full(measures: Vec<Measure>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            measures,
            rounds: 3,
            repeats: 2,
            time: seconds(30),
            long: seconds(600),
            warm_up: seconds(3),
            patience: seconds(60),
            stored: (10_000, 1_000_000),
            backlog: 100_000,
        }
    }

    /// A smoke test with a tenth of the stored orders.
    #[must_use]
    pub fn quick(measures: Vec<Measure>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            measures,
            rounds: 1,
            repeats: 0,
            time: seconds(5),
            long: seconds(10),
            warm_up: seconds(1),
            patience: seconds(5),
            stored: (1_000, 100_000),
            // The rate of inventory counts from the first transaction to the last; one takes up to 512 events.
            backlog: 2_000,
        }
    }
}
