use std::time::Duration;

use super::super::BenchPlan;

/// The loads and their durations.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// The capacity in orders a second; `None`: measured.
    pub capacity: Option<f64>,
    /// The loads in turn, as multiples of the capacity.
    pub times: Vec<f64>,
    /// The duration of each load.
    pub time: Duration,
    /// The duration of each load in the search for the capacity.
    pub probe: Duration,
    /// The longest wait for an idle machine before each load.
    pub patience: Duration,
}

impl Ladder {
    /// Loads from a quarter of the capacity to five times, as in fault F16.
    #[must_use]
    pub fn full() -> Self {
        Self {
            capacity: None,
            times: vec![0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0],
            time: Duration::from_secs(20),
            probe: Duration::from_secs(10),
            patience: Duration::from_secs(30),
        }
    }

    /// Three short loads as a smoke test.
    #[must_use]
    pub fn quick() -> Self {
        let seconds = Duration::from_secs;
        Self {
            capacity: None,
            times: vec![0.5, 1.0, 3.0],
            time: seconds(4),
            probe: seconds(3),
            patience: seconds(5),
        }
    }

    /// The plan of the warm-up.
    pub(super) fn warm_up_plan(&self) -> BenchPlan {
        BenchPlan { patience: self.patience, ..BenchPlan::quick(Vec::new()) }
    }
}
