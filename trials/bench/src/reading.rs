use super::cores::{Cores, disturbed, others};
use super::{Figure, Measure};

/// One measurement in one round.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Counted from 1.
    pub round: usize,
    pub measure: Measure,
    pub figures: Vec<(Figure, f64)>,
    pub cores: Cores,
    /// Refusals and sizes, for the reader.
    pub notes: Vec<String>,
}

impl Reading {
    pub fn new(measure: Measure, figures: Vec<(Figure, f64)>, cores: Cores) -> Self {
        Self { round: 1, measure, figures, cores, notes: Vec::new() }
    }

    #[must_use]
    pub fn least_disturbed(self, before: Option<Self>) -> Self {
        before.into_iter().fold(
            self,
            |this, before| if others(&before.cores) < others(&this.cores) { before } else { this },
        )
    }

    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        disturbed(&self.cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_readings_the_less_disturbed_one_counts() {
        let reading = |stolen: f64, confirmed| {
            Reading::new(
                Measure::E2e,
                vec![(Figure::Confirmed, confirmed)],
                [("stolen".to_owned(), stolen)].into(),
            )
        };
        let confirmed = |this: Reading, before| this.least_disturbed(before).figures[0].1;
        assert!((confirmed(reading(0.9, 1.0), Some(reading(0.3, 2.0))) - 2.0).abs() < f64::EPSILON);
        assert!((confirmed(reading(0.1, 1.0), Some(reading(0.3, 2.0))) - 1.0).abs() < f64::EPSILON);
        assert!((confirmed(reading(0.9, 1.0), None) - 1.0).abs() < f64::EPSILON);
    }
}
