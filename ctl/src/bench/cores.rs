//! Who used which part of the machine, and when nobody else does.
//!
//! Every process of the machine is somebody's: a service's, a server's, the generator's (this process and what it has
//! started and awaited), or foreign. A figure that was measured beside foreign work says little.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::processes;

/// USER_HZ: the unit of `/proc/PID/stat`, 100 on every architecture of Linux.
const TICKS: f64 = 100.0;
/// The machine counts as quiet with less than this in use over [`WINDOW`]. As in the yardsticks of the issue.
const QUIET: f64 = 0.15;
const WINDOW: Duration = Duration::from_millis(1500);
/// A run beside more foreign work than this is marked.
pub const FOREIGN: f64 = 0.25;

/// Cores used by name.
pub type Cores = BTreeMap<String, f64>;

/// Which processes are whose.
pub type Parties = Vec<(&'static str, Vec<i32>)>;

/// CPU time since a moment.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    processes: BTreeMap<i32, u64>,
    own: u64,
    machine: u64,
}

impl Watch {
    /// From now on.
    pub fn begin(parties: &Parties) -> Self {
        let ids = parties.iter().flat_map(|(_, ids)| ids);
        Self { began: Instant::now(), processes: ids.map(|id| (*id, used(*id))).collect(), own: own(), machine: machine() }
    }

    /// Until now. A process that was started meanwhile counts with all it used.
    pub fn end(self, parties: &Parties) -> Cores {
        let seconds = self.began.elapsed().as_secs_f64();
        let cores = |ticks: u64| ticks as f64 / TICKS / seconds;
        let since = |id: &i32| used(*id).saturating_sub(self.processes.get(id).copied().unwrap_or(0));
        let mut all: Cores = parties.iter().map(|(name, ids)| ((*name).to_owned(), cores(ids.iter().map(since).sum()))).collect();
        all.insert("generator".to_owned(), cores(own() - self.own));
        let foreign = cores(machine() - self.machine) - all.values().sum::<f64>();
        all.insert("foreign".to_owned(), foreign.max(0.0));
        all
    }
}

/// Waits until the machine is idle, ours included, at most `patience`. Whether it was.
pub async fn quiet(patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        let (began, before) = (Instant::now(), machine());
        sleep(WINDOW).await;
        if (machine() - before) as f64 / TICKS / began.elapsed().as_secs_f64() <= QUIET {
            return true;
        }
    }
    false
}

/// Ticks of a process: its own and of children it has reaped. None of ours reaps but the postmaster, of its backends.
fn used(process: i32) -> u64 {
    stat(process).map_or(0, |fields| ticks(&fields))
}

fn own() -> u64 {
    stat(processes::own()).map_or(0, |fields| ticks(&fields))
}

/// utime, stime, cutime and cstime.
fn ticks(fields: &[String]) -> u64 {
    fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// The fields of `/proc/PID/stat` after the program's name, which may hold anything.
fn stat(process: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

/// Busy ticks of the whole machine: user, nice, system, irq and softirq; what a hypervisor took away is nobody's.
fn machine() -> u64 {
    busy(&fs::read_to_string("/proc/stat").unwrap_or_default())
}

fn busy(stat: &str) -> u64 {
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    [0, 1, 2, 5, 6].iter().filter_map(|index| fields.get(*index)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_waiting_and_stolen_time_is_not_busy() {
        assert_eq!(busy("cpu  100 20 3 5000 70 4 5 600 0 0\ncpu0 1 1 1"), 132);
    }

    #[test]
    fn what_was_used_is_the_generators_and_never_negative() {
        let watch = Watch::begin(&Vec::new());
        let cores = watch.end(&vec![("redis", vec![i32::MAX])]);
        assert!(cores["redis"].abs() < f64::EPSILON && cores["generator"] >= 0.0 && cores["foreign"] >= 0.0);
    }
}
