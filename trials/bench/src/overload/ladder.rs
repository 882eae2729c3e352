use std::time::Duration;

use super::super::BenchPlan;

/// Which loads are offered, and how long.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Orders a second. `None`: it is looked for.
    pub capacity: Option<f64>,
    /// Times the capacity, one load after the other.
    pub times: Vec<f64>,
    /// How long each.
    pub time: Duration,
    /// How long each load by which the capacity is looked for.
    pub probe: Duration,
    /// How long a quiet machine is waited for between them.
    pub patience: Duration,
}

impl Ladder {
    /// From a quarter of the capacity to five times as much, as much as fault F16 offers.
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

    /// Three short loads: whether everything runs, not how much it can do.
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

    /// What warming up needs of them.
    pub(super) fn warm_up_plan(&self) -> BenchPlan {
        BenchPlan { patience: self.patience, ..BenchPlan::quick(Vec::new()) }
    }
}
