//! The invariants that only a run can judge: I13 progress, I14 readiness, I15 bounds.

use ctl::verify::{Check, Judgement};

const NAMED: usize = 20;

#[derive(Debug, Default)]
pub struct RunInvariants {
    /// I13: unaffected orders go on during a fault, and all end soon after it.
    pub progress: Tally,
    /// I14: an instance that cannot work is unready, and every process stays alive.
    pub readiness: Tally,
    /// I15: resource usage stays level.
    pub bounds: Tally,
}

#[derive(Debug, Default)]
pub struct Tally {
    looked_at: u64,
    count: u64,
    offenders: Vec<String>,
}

impl Tally {
    pub fn note(&mut self, what: &str, wrong: Option<String>) {
        self.looked_at += 1;
        if let Some(wrong) = wrong {
            self.count += 1;
            self.offenders.push(format!("{what}: {wrong}"));
            self.offenders.truncate(NAMED);
        }
    }

    pub fn add_passed(&mut self, looks: u64) {
        self.looked_at += looks;
    }

    fn into_check(self, check: &mut Check) {
        if self.looked_at == 0 {
            return;
        }
        check.looked_at = self.looked_at;
        check.judgement = match self.count {
            0 => Judgement::Holds,
            count => Judgement::Broken { count, offenders: self.offenders },
        };
    }
}

impl RunInvariants {
    /// Fills in the checks that `verify` leaves open.
    pub fn into_checks(self, checks: &mut [Check]) {
        for (id, tally) in [("I13", self.progress), ("I14", self.readiness), ("I15", self.bounds)] {
            if let Some(check) = checks.iter_mut().find(|check| check.id == id) {
                tally.into_check(check);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &'static str) -> Check {
        Check {
            id,
            name: "",
            what: "",
            looked_at: 0,
            judgement: Judgement::NotJudged { why: "needs a run".to_owned() },
        }
    }

    #[test]
    fn what_was_looked_at_is_judged_and_the_rest_stays_open() {
        let mut invariants = RunInvariants::default();
        invariants.progress.note("canary", None);
        invariants.readiness.note("payment-1", Some("200 without a database".to_owned()));
        invariants.readiness.add_passed(3);
        let mut checks = [check("I13"), check("I14"), check("I15")];
        invariants.into_checks(&mut checks);
        assert_eq!(checks[0].judgement, Judgement::Holds);
        assert_eq!((checks[1].looked_at, checks[0].looked_at), (4, 1));
        assert!(
            matches!(&checks[1].judgement, Judgement::Broken { count: 1, offenders } if offenders[0].starts_with("payment-1: 200"))
        );
        assert!(matches!(checks[2].judgement, Judgement::NotJudged { .. }));
    }
}
