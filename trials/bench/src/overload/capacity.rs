//! The capacity: the highest rate at which orders keep pace, so that a load of it could go on for ever.
//!
//! Not what a crowd of customers in a closed loop drives through: they send as fast as they are answered, and
//! that is an overload already. They only give a first guess; from there the rate of an open loop is raised
//! until orders fall behind, or lowered until they do not.

use std::time::Duration;

use super::super::BenchError;
use super::step::{Step, Trial};
use ctl::terminal::Bar;

/// Of the orders offered, so many have to be at their end when the load is over. The rest are on their way.
const KEPT_PACE: f64 = 0.97;
/// So few that they wait for an answer more often than the stack waits for them.
const CUSTOMERS: u16 = 16;
/// From one rate to the next; so exact is the capacity.
const STRIDE: f64 = 1.1;
/// 1.1^12 is 3.1: a guess that is further off is none.
const PROBES: usize = 12;
/// One rate may be disturbed: the search is over after so many in a row that were not kept.
const LAGS: u32 = 2;

/// What was found, and how.
pub struct Capacity {
    /// Orders at their end a second, at the highest rate that was kept.
    pub per_second: f64,
    /// Every rate that was tried.
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

/// From a first guess upwards, or down when not even that was kept.
struct Search {
    rate: f64,
    best: Option<f64>,
    /// In a row.
    lags: u32,
}

impl Search {
    /// Chooses the next rate; whether there is none, because the capacity is known.
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

    /// The rates that are tried until the search is over, and what it found, with a stack that keeps pace up
    /// to `most`.
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
