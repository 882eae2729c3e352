#![allow(clippy::print_stdout, reason = "--nocapture shows what the search met")]

use saga::rules::Rules;
use saga::schedules::{self, Failure, replay, search};
use saga::shop::Shop;
use saga::world::{Reached, World};

const SCHEDULES: u64 = 100_000;
/// The rarest break (a stale view after a restock) took about 1,200.
const UNTIL_FOUND: u64 = 20_000;

#[test]
fn a_hundred_thousand_random_schedules_lose_nothing_and_double_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("SAGA_SEED") {
        let (trace, outcome) = replay(Rules::REAL, seed, None);
        println!("{}", trace.join("\n"));
        return assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
    }
    let schedules = number("SAGA_SCHEDULES").unwrap_or(SCHEDULES);
    match search(Rules::REAL, schedules) {
        Ok(reached) => assert_everything_was_reached(&reached, schedules),
        Err(failure) => panic!("{failure}"),
    }
}

/// An idle model would hold every invariant.
fn assert_everything_was_reached(reached: &[u64; Reached::COUNT], schedules: u64) {
    println!("{schedules} schedules reached: {}", schedules::describe(reached));
    let never = reached.iter().position(|times| *times == 0);
    assert!(
        never.is_none() || schedules < SCHEDULES,
        "never reached: {:?}",
        never.map(schedules::reached_name)
    );
}

#[test]
fn every_broken_rule_is_found() {
    for (name, break_rule) in Rules::BREAKS {
        let mut rules = Rules::REAL;
        break_rule(&mut rules);
        let failure: Option<Failure> = search(rules, UNTIL_FOUND).err();
        let failure =
            failure.unwrap_or_else(|| panic!("{UNTIL_FOUND} schedules without `{name}` found nothing"));
        println!(
            "without {name}: seed {}: {}: {}",
            failure.seed, failure.violation.invariant, failure.violation.what
        );
    }
}

#[test]
fn a_seed_makes_the_same_schedule_every_time() {
    let shop = Shop::open();
    let traces = [(); 2].map(|()| {
        let (mut world, steps) = World::new(&shop, Rules::REAL, 7);
        world.trace = Some(Vec::new());
        world.run(steps).expect("seed 7 holds");
        world.trace
    });
    assert_eq!(traces[0], traces[1]);
}
