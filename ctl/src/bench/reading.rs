use super::cores::{Cores, FOREIGN};
use super::{Figure, Measure};

/// One measurement in one round.
#[derive(Debug, Clone)]
pub struct Reading {
    /// From 1.
    pub round: usize,
    /// Which.
    pub measure: Measure,
    /// What came out.
    pub figures: Vec<(Figure, f64)>,
    /// Cores used meanwhile, by name.
    pub cores: Cores,
    /// What a reader must know: refusals, sizes.
    pub notes: Vec<String>,
}

impl Reading {
    /// Without notes, in the first round.
    pub fn new(measure: Measure, figures: Vec<(Figure, f64)>, cores: Cores) -> Self {
        Self { round: 1, measure, figures, cores, notes: Vec::new() }
    }

    /// Somebody else used so much of the machine that it says little.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        self.cores.get("foreign").is_some_and(|foreign| *foreign > FOREIGN)
    }
}
