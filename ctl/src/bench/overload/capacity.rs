//! The capacity: the highest rate at which orders keep pace, so that a load of it could go on for ever.
//!
//! Not what a crowd of customers in a closed loop drives through: they send as fast as they are answered, and that is an overload
//! already. They only give a first guess; from there the rate of an open loop is raised until orders fall behind, or lowered until
//! they do not.

use std::time::Duration;

use super::super::BenchError;
use super::step::{Step, Trial};
use crate::terminal::Bar;

/// Of the orders offered, so many have to be at their end when the load is over. The rest are on their way.
const KEPT_PACE: f64 = 0.97;
/// So few that they wait for an answer more often than the stack waits for them.
const CUSTOMERS: u16 = 16;
/// From one rate to the next; so exact is the capacity.
const STRIDE: f64 = 1.1;
/// 1.1^12 is 3.1: a guess that is further off is none.
const PROBES: u32 = 12;

/// What was found, and how.
pub struct Capacity {
    /// Orders at their end a second, at the highest rate that was kept.
    pub per_second: f64,
    /// Every rate that was tried.
    pub probes: Vec<Step>,
}

pub async fn find(trial: &mut Trial<'_>, time: Duration, live: &Bar) -> Result<Capacity, BenchError> {
    let guess = trial.closed(CUSTOMERS, time).await?;
    live.say(format!("     guess {}", guess.told()));
    let (mut rate, mut probes) = (guess.goodput, Vec::new());
    let mut best = None;
    for _ in 0..PROBES {
        let probe = trial.paced(rate, time).await?;
        let kept = keeps_pace(&probe);
        live.say(format!("     {} {}", if kept { "keeps" } else { "lags " }, probe.told()));
        let goodput = probe.goodput;
        probes.push(probe);
        match (kept, best) {
            // Above it orders fell behind, here they do not.
            (true, None) if probes.len() > 1 && !keeps_pace(&probes[probes.len() - 2]) => {
                return Ok(Capacity { per_second: goodput, probes });
            }
            (true, _) => (best, rate) = (Some(goodput), rate * STRIDE),
            (false, Some(per_second)) => return Ok(Capacity { per_second, probes }),
            (false, None) => rate /= STRIDE,
        }
    }
    best.map_or(Err(BenchError::NoCapacity { rate }), |per_second| Ok(Capacity { per_second, probes }))
}

fn keeps_pace(step: &Step) -> bool {
    step.goodput >= KEPT_PACE * step.offered
}
