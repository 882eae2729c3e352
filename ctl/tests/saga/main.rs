//! The saga as a model: every order reaches one end, whatever is lost, doubled, overtaken or killed on the way.
//!
//! ```text
//!   customers ─POST─> payment 0│1 ──> orders, keys, outbox, inbox        (PostgreSQL: transactions, nothing is lost)
//!                        │  └──────> the provider's books                (committed apart, idempotent by order id)
//!                        v
//!              order_completed ──> inventory 0│1 ──> stock, ledger, inbox with reply
//!                                        │
//!                 stock_reserved │ refund_order ──> payment 0│1          (Redis: may lose everything, or go back in time)
//! ```
//!
//! A schedule is drawn from its seed: the customers and their carts, the stock, the weather, and then which of all possible atomic
//! steps comes next: a statement, a publication, a read, an ack, a crash, a lost reply, a statement that is committed after its
//! client is gone, a process that sleeps and goes on as a zombie, a Redis that is emptied, trimmed or set back. Safety is
//! checked after every step. Then the faults end, everybody runs in turn until nothing moves, and I1 to I10 must hold.
//!
//! | real code of the services | modelled |
//! | --- | --- |
//! | `payment::domain`: cart and prices, `Order`, its transitions, `as_accepted`, `Answer`, `Applied` | the SQL of `payment::store`, `http::place`, `Cashier`, reconciler, the simulated provider |
//! | `inventory::domain`: `Order`, `Shelf` and `Level` (stale views, holds), `Decision` | the SQL of `inventory::store`, `Round` and `Deciding`, products |
//! | | `shared`: outbox, relay and sweep, inbox, streams, groups, pending entries, sessions |
//!
//! Time is not modelled: what takes long in reality (a resend, a claim, the reconciler) may come at any moment here. So the model
//! says that orders end, not how soon.
//!
//! - `SAGA_SCHEDULES=n cargo test -p ctl --test saga`: n schedules instead of 100,000.
//! - `SAGA_SEED=n cargo test -p ctl --test saga -- --nocapture`: that one, step by step.

mod random;
mod redis;
mod rules;
mod schedules;
mod shop;
mod world;

use rules::Rules;
use schedules::{Failure, replay, search};
use shop::Shop;
use world::{Reached, World};

/// Schedules of the test suite: what the project promises.
const SCHEDULES: u64 = 100_000;
/// Schedules within which a broken rule must show; the best hidden one (a stale view after a restock) took about 1,200.
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

/// A model in which nothing happens holds every invariant.
fn assert_everything_was_reached(reached: &[u64; Reached::COUNT], schedules: u64) {
    println!("{schedules} schedules reached: {}", schedules::describe(reached));
    let never = reached.iter().position(|times| *times == 0);
    assert!(never.is_none() || schedules < SCHEDULES, "never reached: {:?}", never.map(schedules::reached_name));
}

#[test]
fn every_broken_rule_is_found() {
    for (name, break_rule) in Rules::BREAKS {
        let mut rules = Rules::REAL;
        break_rule(&mut rules);
        let failure: Option<Failure> = search(rules, UNTIL_FOUND).err();
        let failure = failure.unwrap_or_else(|| panic!("{UNTIL_FOUND} schedules without `{name}` found nothing"));
        println!("without {name}: seed {}: {}: {}", failure.seed, failure.violation.invariant, failure.violation.what);
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
