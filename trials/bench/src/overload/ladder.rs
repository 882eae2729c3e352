use std::time::Duration;

use super::super::BenchPlan;

/// The loads of a run.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Orders a second; `None`: measured.
    pub capacity: Option<f64>,
    /// Multiples of the capacity, in turn.
    pub times: Vec<f64>,
    pub time: Duration,
    /// The duration of a load in the search for the capacity.
    pub probe: Duration,
    pub patience: Duration,
}

impl Ladder {
    /// A quarter of the capacity to five times, as in fault F16.
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

    pub(super) fn warm_up_plan(&self) -> BenchPlan {
        BenchPlan { patience: self.patience, ..BenchPlan::quick(Vec::new()) }
    }
}
