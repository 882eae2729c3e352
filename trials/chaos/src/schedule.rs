//! The same seed gives the same faults at the same instances.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Serialize, Serializer};

use super::fault::Fault;
use super::{ChaosError, failpoints};
use ctl::stack::{Kind, ServiceId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// In turn, again and again.
    These(Vec<Fault>),
    /// A mix of all faults that can share a stack and a machine.
    Random,
}

impl Choice {
    #[must_use]
    pub fn names(&self, fault: Fault) -> bool {
        matches!(self, Self::These(faults) if faults.contains(&fault))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedFault {
    /// Counted from 1.
    pub number: usize,
    pub fault: Fault,
    /// Faults of a server hit all instances.
    #[serde(serialize_with = "as_text")]
    pub target: ServiceId,
    /// The share of this fault's orders sent before it.
    pub at: f64,
    pub hold_ms: u64,
    /// The failpoint, and the passage at which it fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failpoint: Option<(String, u32)>,
    /// For the remaining choices of the fault.
    pub draw: u32,
}

impl PlannedFault {
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.fault.spec().limits.ended
    }

    #[must_use]
    pub fn hold(&self) -> Duration {
        Duration::from_millis(self.hold_ms)
    }
}

#[derive(Debug, Clone)]
pub struct ScheduleOptions {
    pub choice: Choice,
    pub faults: usize,
    pub seed: u64,
    /// Instances of inventory, and of payment.
    pub instances: usize,
    /// Instead of all in turn.
    pub failpoint: Option<String>,
    pub failpoints: bool,
    /// For a named refusal of Redis.
    pub refusal: Duration,
}

impl ScheduleOptions {
    /// The error names the conflict and its solution.
    pub fn check(&self) -> Result<(), ChaosError> {
        let Choice::These(faults) = &self.choice else { return self.check_failpoint() };
        if let Some(fault) = faults.iter().find(|fault| needs_failpoints(**fault) && !self.failpoints) {
            return Err(ChaosError::Impossible(format!(
                "{fault} needs failpoints: build with --all-features"
            )));
        }
        if let (Some(fault), 2..) =
            (faults.iter().find(|fault| needs_a_stack_of_its_own(**fault)), faults.len())
        {
            return Err(ChaosError::Impossible(format!(
                "{fault} needs a stack of its own: name no other fault beside it"
            )));
        }
        self.check_failpoint()
    }

    fn check_failpoint(&self) -> Result<(), ChaosError> {
        match &self.failpoint {
            Some(name) if !failpoints::all().iter().any(|(_, known)| known == name) => {
                let all: Vec<String> = failpoints::all().into_iter().map(|(_, name)| name).collect();
                Err(ChaosError::Impossible(format!(
                    "there is no failpoint `{name}`; there are {}",
                    all.join(", ")
                )))
            }
            _ => Ok(()),
        }
    }
}

#[must_use]
pub fn plan(options: &ScheduleOptions) -> Vec<PlannedFault> {
    let mut rng = StdRng::seed_from_u64(options.seed);
    (1..=options.faults).map(|number| planned(number, options, &mut rng)).collect()
}

fn planned(number: usize, options: &ScheduleOptions, rng: &mut StdRng) -> PlannedFault {
    let fault = match &options.choice {
        Choice::These(faults) => faults[(number - 1) % faults.len()],
        Choice::Random => drawn(options.failpoints, rng),
    };
    let step = step(fault, number, options, rng);
    let kind = step.as_ref().map_or_else(|| kind_of(fault, rng), |(kind, _)| *kind);
    let instances = if kind == Kind::User { 1 } else { options.instances };
    PlannedFault {
        number,
        fault,
        target: ServiceId { kind, instance: rng.random_range(1..=instances) },
        // Early enough that orders are still sent during the fault.
        at: f64::from(rng.random_range(10..=60_u32)) / 100.0,
        hold_ms: hold(fault, options, rng),
        failpoint: step.map(|(_, name)| (name, rng.random_range(1..=3))),
        draw: rng.random(),
    }
}

/// Milliseconds, short in a mix.
fn hold(fault: Fault, options: &ScheduleOptions, rng: &mut StdRng) -> u64 {
    let short = rng.random_range(800..=2500);
    let refuses = fault.spec().number == "F19" && fault != Fault::RedisDemoted;
    if refuses && options.choice != Choice::Random {
        u64::try_from(options.refusal.as_millis()).unwrap_or(u64::MAX)
    } else {
        short
    }
}

fn drawn(failpoints: bool, rng: &mut StdRng) -> Fault {
    let eligible = |fault: &&Fault| failpoints || !needs_failpoints(**fault);
    let all: Vec<Fault> = Fault::value_variants().iter().filter(eligible).copied().collect();
    let total = all.iter().map(|fault| fault.spec().weight).sum();
    let mut left = rng.random_range(0..total);
    for fault in all {
        match left.checked_sub(fault.spec().weight) {
            Some(rest) => left = rest,
            None => return fault,
        }
    }
    Fault::KillInventory
}

#[must_use]
pub fn needs_failpoints(fault: Fault) -> bool {
    matches!(fault, Fault::Failpoint | Fault::PanicProduct | Fault::PanicHttp)
}

#[must_use]
pub fn needs_a_stack_of_its_own(fault: Fault) -> bool {
    matches!(fault, Fault::DiskFull | Fault::Partitions)
}

/// A zombie has a failpoint every other time.
fn step(fault: Fault, number: usize, options: &ScheduleOptions, rng: &mut StdRng) -> Option<(Kind, String)> {
    match fault {
        Fault::Failpoint => {
            let wanted =
                |(_, name): &(Kind, String)| options.failpoint.as_ref().is_none_or(|only| only == name);
            let steps: Vec<_> = failpoints::all().into_iter().filter(wanted).collect();
            let at = if options.choice == Choice::Random {
                rng.random_range(0..steps.len().max(1))
            } else {
                number - 1
            };
            steps.get(at % steps.len().max(1)).cloned()
        }
        Fault::Zombie if options.failpoints && rng.random_bool(0.5) => {
            let steps = failpoints::of_a_consumer();
            let at = rng.random_range(0..steps.len());
            Some((Kind::Inventory, steps[at].clone()))
        }
        _ => None,
    }
}

fn kind_of(fault: Fault, rng: &mut StdRng) -> Kind {
    let either = if rng.random_bool(0.5) { Kind::Inventory } else { Kind::Payment };
    match fault {
        Fault::KillPayment | Fault::PanicHttp | Fault::PoolExhausted | Fault::OneKey | Fault::ClientGone => {
            Kind::Payment
        }
        Fault::KillUser => Kind::User,
        Fault::KillInventory
        | Fault::KillConsumer
        | Fault::KillConsumerSameName
        | Fault::PanicProduct
        | Fault::Zombie => Kind::Inventory,
        Fault::RedisFull | Fault::CatalogueLost => Kind::Inventory,
        _ => either,
    }
}

fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn options(choice: Choice, seed: u64) -> ScheduleOptions {
        let refusal = Duration::from_secs(30);
        ScheduleOptions {
            choice,
            faults: 300,
            seed,
            instances: 2,
            failpoint: None,
            failpoints: true,
            refusal,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another_one() {
        let schedule = |seed| plan(&options(Choice::Random, seed));
        assert_eq!(schedule(7), schedule(7));
        assert_ne!(schedule(7), schedule(8));
    }

    #[test]
    fn a_longer_run_begins_like_a_shorter_one() {
        let long = plan(&options(Choice::Random, 7));
        let short = plan(&ScheduleOptions { faults: 20, ..options(Choice::Random, 7) });
        assert_eq!(long[..20], short[..]);
    }

    #[test]
    fn a_random_mix_has_every_fault_but_those_that_need_a_stack_or_a_machine_of_their_own() {
        let drawn: BTreeSet<Fault> = plan(&ScheduleOptions { faults: 5000, ..options(Choice::Random, 1) })
            .iter()
            .map(|planned| planned.fault)
            .collect();
        let missing: Vec<Fault> =
            Fault::value_variants().iter().copied().filter(|fault| !drawn.contains(fault)).collect();
        assert_eq!(
            missing,
            [
                Fault::FlashSale,
                Fault::PoisonFailing,
                Fault::DiskFull,
                Fault::Overload,
                Fault::Backlog,
                Fault::Partitions
            ]
        );
    }

    #[test]
    fn without_failpoints_nothing_is_drawn_that_needs_them() {
        let schedule = plan(&ScheduleOptions { failpoints: false, ..options(Choice::Random, 1) });
        assert!(
            schedule.iter().all(|planned| !needs_failpoints(planned.fault) && planned.failpoint.is_none())
        );
    }

    #[test]
    fn failpoints_come_in_turn_and_at_an_instance_that_has_them() {
        let schedule = plan(&options(Choice::These(vec![Fault::Failpoint]), 1));
        let steps = failpoints::all();
        for (planned, (kind, name)) in schedule.iter().zip(steps.iter().cycle()) {
            assert_eq!(
                (planned.target.kind, planned.failpoint.as_ref().map(|(step, _)| step)),
                (*kind, Some(name))
            );
        }
    }

    #[test]
    fn named_faults_come_in_turn() {
        let schedule = plan(&options(Choice::These(vec![Fault::RedisFull, Fault::OldProgram]), 1));
        let first: Vec<Fault> = schedule.iter().take(3).map(|planned| planned.fault).collect();
        assert_eq!(first, [Fault::RedisFull, Fault::OldProgram, Fault::RedisFull]);
    }

    #[test]
    fn a_server_refuses_for_longer_when_it_is_named_than_in_a_mix() {
        let held = |choice| {
            plan(&options(choice, 1))
                .into_iter()
                .filter(|planned| planned.fault == Fault::RedisNoauth)
                .map(|planned| planned.hold_ms)
        };
        assert!(held(Choice::These(vec![Fault::RedisNoauth])).all(|hold| hold == 30_000));
        assert!(held(Choice::Random).all(|hold| hold <= 2500));
    }

    #[test]
    fn a_fault_with_a_stack_of_its_own_is_refused_beside_others() {
        let check = |faults| options(Choice::These(faults), 1).check();
        assert!(check(vec![Fault::Partitions]).is_ok());
        assert!(
            check(vec![Fault::Partitions, Fault::RedisFull])
                .is_err_and(|error| error.to_string().contains("partitions needs"))
        );
    }

    #[test]
    fn targets_exist() {
        let schedule = plan(&options(Choice::Random, 3));
        assert!(schedule.iter().all(|planned| (1..=2).contains(&planned.target.instance)));
        assert!(
            schedule.iter().all(|planned| planned.target.kind != Kind::User || planned.target.instance == 1)
        );
    }
}
