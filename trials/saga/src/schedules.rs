//! Runs schedules on all cores.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    rules::Rules,
    shop::Shop,
    world::{Reached, Violation, World},
};

#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub violation: Violation,
    /// The shortest failing beginning.
    trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, violation, trace } = self;
        writeln!(f, "seed {seed} breaks {}: {}", violation.invariant, violation.what)?;
        trace.iter().enumerate().try_for_each(|(number, step)| writeln!(f, "{:>4}  {step}", number + 1))?;
        write!(f, "Run it alone with SAGA_SEED={seed}.")
    }
}

type Counts = [u64; Reached::COUNT];

/// Runs seeds 1 to `schedules`. Reports the lowest failing seed found.
pub fn search(rules: Rules, schedules: u64) -> Result<Counts, Failure> {
    let next = AtomicU64::new(1);
    let worst = AtomicU64::new(u64::MAX);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let counts = thread::scope(|scope| {
        let work = || work(rules, schedules, &next, &worst);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker panicked"))
            .fold([0; Reached::COUNT], add)
    });
    match worst.into_inner() {
        u64::MAX => Ok(counts),
        seed => Err(explain(rules, seed)),
    }
}

/// Takes blocks of seeds until a lower one has failed.
fn work(rules: Rules, schedules: u64, next: &AtomicU64, worst: &AtomicU64) -> Counts {
    const BLOCK: u64 = 64;
    let shop = Shop::open();
    let mut counts = [0; Reached::COUNT];
    loop {
        let first = next.fetch_add(BLOCK, Ordering::Relaxed);
        if first > schedules || first > worst.load(Ordering::Relaxed) {
            return counts;
        }
        for seed in first..(first + BLOCK).min(schedules + 1) {
            let (mut world, steps) = World::new(&shop, rules, seed);
            if world.run(steps).is_err() {
                worst.fetch_min(seed, Ordering::Relaxed);
                break;
            }
            counts = add(counts, world.reached.map(u64::from));
        }
    }
}

fn add(mut all: Counts, more: Counts) -> Counts {
    all.iter_mut().zip(more).for_each(|(sum, count)| *sum += count);
    all
}

fn explain(rules: Rules, seed: u64) -> Failure {
    let mut shortest = (0..).map(|steps| replay(rules, seed, Some(steps)));
    let (trace, violation) = shortest
        .find_map(|(trace, outcome)| Some((trace, outcome.err()?)))
        .expect("the failing schedule fails again");
    Failure { seed, violation, trace }
}

/// Returns the steps in words.
pub fn replay(rules: Rules, seed: u64, limit: Option<usize>) -> (Vec<String>, Result<(), Violation>) {
    let shop = Shop::open();
    let (mut world, steps) = World::new(&shop, rules, seed);
    world.trace = Some(Vec::new());
    let outcome = world.run(limit.map_or(steps, |limit| limit.min(steps)));
    (world.trace.unwrap_or_default(), outcome)
}

pub fn reached_name(index: usize) -> String {
    Reached::ALL.get(index).map_or_else(String::new, |reached| format!("{reached:?}"))
}

pub fn describe(counts: &Counts) -> String {
    counts
        .iter()
        .enumerate()
        .map(|(index, count)| format!("{} {count}", reached_name(index)))
        .collect::<Vec<_>>()
        .join(", ")
}
