//! Processor time by group of processes, and the wait for an idle machine.
//!
//! The `generator` includes awaited children.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use tokio::time::sleep;

use servers::processes;

/// USER_HZ, the unit of `/proc/PID/stat`: 100 on every architecture of Linux.
const TICKS: f64 = 100.0;
/// The most used cores of an idle machine over [`WINDOW`].
const QUIET: f64 = 0.15;
const WINDOW: Duration = Duration::from_millis(1500);
/// Fifty ticks of work on all cores reveal stolen time.
const PROBE: Duration = Duration::from_millis(500);
/// Foreign or stolen cores above which a figure is disturbed.
const DISTURBING: f64 = 0.25;

/// Used cores by group.
pub type Cores = BTreeMap<String, f64>;

/// The larger of the foreign and the stolen cores.
pub fn others(cores: &Cores) -> f64 {
    ["foreign", "stolen"].iter().filter_map(|who| cores.get(*who)).fold(0.0, |most, used| most.max(*used))
}

pub fn disturbed(cores: &Cores) -> bool {
    others(cores) > DISTURBING
}

/// Processor time of services, Redis and PostgreSQL in microseconds an order.
pub fn micros_per_order(cores: &Cores, orders_per_second: f64) -> f64 {
    let outside = ["generator", "foreign", "stolen"];
    let stack = cores.iter().filter(|(who, _)| !outside.contains(&who.as_str()));
    stack.map(|(_, used)| used).sum::<f64>() * 1e6 / orders_per_second
}

/// Process ids by group, with an entry for each instance.
pub type ProcessGroups = Vec<(&'static str, Vec<i32>)>;

#[derive(Debug)]
pub struct CpuTimer {
    began: Instant,
    on_the_wall: SystemTime,
    processes: BTreeMap<i32, u64>,
    own: u64,
    machine: Machine,
}

/// Ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Machine {
    /// user, nice, system, irq and softirq.
    busy: u64,
    /// Ticks given to other machines while there was work.
    stolen: u64,
}

impl CpuTimer {
    pub fn begin(process_groups: &ProcessGroups) -> Self {
        let ids = process_groups.iter().flat_map(|(_, ids)| ids);
        let processes = ids.map(|id| (*id, used(*id))).collect();
        Self {
            began: Instant::now(),
            on_the_wall: SystemTime::now(),
            processes,
            own: own(),
            machine: machine(),
        }
    }

    /// A process started meanwhile counts in full.
    pub fn end(self, process_groups: &ProcessGroups) -> Cores {
        let seconds = self.began.elapsed().as_secs_f64();
        let stopped = stopped(seconds, seconds_since(self.on_the_wall));
        let cores = |ticks: u64| ticks as f64 / TICKS / seconds;
        let since = |id: &i32| used(*id).saturating_sub(self.processes.get(id).copied().unwrap_or(0));
        let mut all = Cores::new();
        for (name, ids) in process_groups {
            *all.entry((*name).to_owned()).or_default() += cores(ids.iter().map(since).sum());
        }
        all.insert("generator".to_owned(), cores(own() - self.own));
        let now = machine();
        let foreign = cores(now.busy - self.machine.busy) - all.values().sum::<f64>();
        all.insert("foreign".to_owned(), foreign.max(0.0));
        all.insert("stolen".to_owned(), cores(now.stolen - self.machine.stolen) + stopped);
        all
    }
}

/// Negative after a step back of the wall clock.
fn seconds_since(moment: SystemTime) -> f64 {
    moment.elapsed().map_or_else(|error| -error.duration().as_secs_f64(), |elapsed| elapsed.as_secs_f64())
}

/// All cores count as stolen for the jump of a stopped machine's clock, which wrk and PostgreSQL use.
fn stopped(seconds: f64, on_the_wall: f64) -> f64 {
    (on_the_wall - seconds).abs() / seconds * all_cores() as f64
}

fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Waits at most `patience` for an idle machine with all cores available.
pub async fn quiet(patience: Duration) {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline && !(idle().await && can_be_had().await) {}
}

async fn idle() -> bool {
    let began = Instant::now();
    let before = machine();
    sleep(WINDOW).await;
    (machine().busy - before.busy) as f64 / TICKS / began.elapsed().as_secs_f64() <= QUIET
}

/// Keeps all cores busy, because stolen time shows under work only.
async fn can_be_had() -> bool {
    let began = Instant::now();
    let before = machine();
    let work = || {
        tokio::task::spawn_blocking(move || {
            while began.elapsed() < PROBE {
                std::hint::spin_loop();
            }
        })
    };
    join_all((0..all_cores()).map(|_| work())).await;
    (machine().stolen - before.stolen) as f64 / TICKS / began.elapsed().as_secs_f64() <= DISTURBING
}

/// Includes reaped children, such as the backends of the postmaster.
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

/// Fields after the program name, which may contain anything.
fn stat(process: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

fn machine() -> Machine {
    Machine::read(&fs::read_to_string("/proc/stat").unwrap_or_default())
}

impl Machine {
    fn read(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let sum = |indexes: &[usize]| indexes.iter().filter_map(|index| fields.get(*index)).sum();
        Self { busy: sum(&[0, 1, 2, 5, 6]), stolen: sum(&[7]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_waiting_and_stolen_time_is_not_busy() {
        assert_eq!(
            Machine::read("cpu  100 20 3 5000 70 4 5 600 0 0\ncpu0 1 1 1"),
            Machine { busy: 132, stolen: 600 }
        );
    }

    #[test]
    fn a_quarter_of_a_core_that_others_used_or_were_given_disturbs() {
        let cores =
            |foreign, stolen| Cores::from([("foreign".to_owned(), foreign), ("stolen".to_owned(), stolen)]);
        assert!(!disturbed(&cores(0.2, 0.2)));
        assert!(disturbed(&cores(0.3, 0.0)) && disturbed(&cores(0.0, 0.3)));
    }

    #[test]
    fn the_generator_and_others_take_no_part_in_the_processor_time_of_an_order() {
        let used = [("payment", 0.5), ("redis", 0.3), ("generator", 9.0), ("foreign", 9.0), ("stolen", 9.0)];
        let cores = used.map(|(who, used)| (who.to_owned(), used)).into();
        assert!((micros_per_order(&cores, 4_000.0) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_clock_that_was_set_by_a_second_in_ten_either_way_is_a_tenth_of_all_cores() {
        let share = |on_the_wall| stopped(10.0, on_the_wall) / all_cores() as f64;
        assert!(
            (share(11.0) - 0.1).abs() < 1e-9 && (share(9.0) - 0.1).abs() < 1e-9 && share(10.0).abs() < 1e-9
        );
    }

    #[test]
    fn what_was_used_is_the_generators_and_never_negative() {
        let timer = CpuTimer::begin(&Vec::new());
        let cores = timer.end(&vec![("redis", vec![i32::MAX]), ("redis", Vec::new())]);
        assert!(cores["redis"].abs() < f64::EPSILON && cores["generator"] >= 0.0 && cores["foreign"] >= 0.0);
    }
}
