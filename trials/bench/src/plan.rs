use std::time::Duration;

use super::Measure;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct BenchPlan {
    /// In turns, each round once.
    pub measures: Vec<Measure>,
    /// Medians are taken over these.
    pub rounds: usize,
    /// A measurement that others disturbed is taken again, so often at most; the least disturbed one counts.
    pub repeats: usize,
    /// Each load lasts so long.
    pub time: Duration,
    /// Load before each measurement, which does not count.
    pub warm_up: Duration,
    /// How long a quiet machine is waited for.
    pub patience: Duration,
    /// Stored orders, few and many.
    pub stored: (u32, u32),
    /// Events that wait for inventory, at least.
    pub backlog: i64,
}

impl BenchPlan {
    /// What the targets are judged by: rounds of 30 s, a million orders stored.
    #[must_use]
    pub fn full(measures: Vec<Measure>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            measures,
            rounds: 3,
            repeats: 2,
            time: seconds(30),
            warm_up: seconds(3),
            patience: seconds(60),
            stored: (10_000, 1_000_000),
            backlog: 100_000,
        }
    }

    /// One short round with a tenth of the stored orders: whether everything runs, not how fast.
    #[must_use]
    pub fn quick(measures: Vec<Measure>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            measures,
            rounds: 1,
            repeats: 0,
            time: seconds(5),
            warm_up: seconds(1),
            patience: seconds(5),
            stored: (1_000, 100_000),
            backlog: 1,
        }
    }
}
