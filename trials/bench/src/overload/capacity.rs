//! The highest rate at which orders keep pace (`docs/benchmarks/README.md`).

use std::time::Duration;

use super::super::BenchError;
use super::step::{Step, Trial};
use ctl::terminal::Bar;

/// Offered orders that must end with the load; the others are in flight.
const KEPT_PACE: f64 = 0.97;
/// Few customers, so that the stack limits the rate.
const CUSTOMERS: u16 = 16;
/// The factor between rates: the resolution of the capacity.
const STRIDE: f64 = 1.1;
/// Allows for a guess that is wrong by the factor 1.1^12 = 3.1.
const PROBES: usize = 12;
/// Lagging rates in a row that end the search: one may be disturbed.
const LAGS: u32 = 2;

pub struct Capacity {
    /// Ended orders a second, at the highest rate with pace.
    pub per_second: f64,
    pub probes: Vec<Step>,
}

pub async fn find(trial: &mut Trial<'_>, time: Duration, bar: &Bar) -> Result<Capacity, BenchError> {
    let guess = trial.closed(CUSTOMERS, time).await?;
    bar.say(format!("     guess {}", guess.summary()));
    let mut search = Search { rate: guess.goodput, best: None, lags: 0 };
    let mut probes = Vec::new();
    while probes.len() < PROBES {
        let probe = trial.paced(search.rate, time).await?;
        let kept = probe.goodput >= KEPT_PACE * probe.offered;
        bar.say(format!("     {} {}", if kept { "keeps" } else { "lags " }, probe.summary()));
        let over = search.learn(kept, probe.goodput);
        probes.push(probe);
        if over {
            break;
        }
    }
    search.best.map_or(Err(BenchError::NoCapacity { rate: search.rate }), |per_second| {
        Ok(Capacity { per_second, probes })
    })
}

/// Searches upwards from the guess, or downwards when orders lag there.
struct Search {
    rate: f64,
    best: Option<f64>,
    lags: u32,
}

impl Search {
    /// True when the capacity is found.
    fn learn(&mut self, kept: bool, goodput: f64) -> bool {
        let came_down = self.best.is_none() && self.lags > 0;
        self.lags = if kept { 0 } else { self.lags + 1 };
        if kept {
            self.best = Some(goodput);
        }
        self.rate *= if self.best.is_some() { STRIDE } else { 1.0 / STRIDE };
        (kept && came_down) || (self.best.is_some() && self.lags == LAGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(guess: f64, most: f64) -> (Vec<f64>, Option<f64>) {
        let mut search = Search { rate: guess, best: None, lags: 0 };
        let mut tried = Vec::new();
        loop {
            tried.push(search.rate.round());
            if search.learn(search.rate <= most, search.rate.round()) {
                return (tried, search.best);
            }
        }
    }

    #[test]
    fn the_highest_rate_that_was_kept_is_found_from_below_and_from_above() {
        assert_eq!(searched(100.0, 115.0), (vec![100.0, 110.0, 121.0, 133.0], Some(110.0)));
        assert_eq!(searched(133.0, 115.0), (vec![133.0, 121.0, 110.0], Some(110.0)));
    }
}
