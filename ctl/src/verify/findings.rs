use uuid::Uuid;

use super::{Check, Judgement};

/// Offenders named by invariant; the rest is counted.
const NAMED: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    Conservation,
    NoOversell,
    Durable,
    OneEnd,
    Money,
    History,
    Once,
    Idempotency,
    NoGhosts,
    Agreement,
    DeadLetters,
    Catalogues,
    Progress,
    Readiness,
    Bounds,
}

use Invariant::{
    Agreement, Bounds, Catalogues, Conservation, DeadLetters, Durable, History, Idempotency, Money, NoGhosts,
    NoOversell, Once, OneEnd, Progress, Readiness,
};

/// In the order of the report.
const INVARIANTS: [(Invariant, &str, &str, &str); 15] = [
    (
        Conservation,
        "I1",
        "conservation",
        "on hand = stock ledger, balance by balance; ledger of an order = its confirmed lines",
    ),
    (NoOversell, "I2", "no oversell", "on hand and every balance of the ledger >= 0"),
    (Durable, "I3", "2xx means durable", "every ok key of the client log has its one order, as sent"),
    (OneEnd, "I4", "one end", "every order has exactly one final state, and it is the last one"),
    (Money, "I5", "money", "charges and refunds of the provider against orders, one by one and in sum"),
    (History, "I6", "history", "timelines 1..n, legal steps, times in order; polled states never go back"),
    (Once, "I7", "once", "one inbox row or dead letter an event and group; one ledger row an event and SKU"),
    (Idempotency, "I8", "idempotency", "one order a key; all 2xx bodies of a key are the same"),
    (
        NoGhosts,
        "I9",
        "no ghosts",
        "every order has an account and a key of the client log; no failed key has an order",
    ),
    (Agreement, "I10", "agreement", "confirmed iff stock was taken, refunded iff it was not"),
    (DeadLetters, "I11", "dead letters", "dead letters are exactly the poison messages of the client log"),
    (
        Catalogues,
        "I12",
        "catalogues agree",
        "payment's copy of every product = inventory's: version, name, price, deleted",
    ),
    (Progress, "I13", "progress", "orders without a fault end within 5 s, all orders soon after the fault"),
    (
        Readiness,
        "I14",
        "honest readiness",
        "an instance that cannot work for 5 s is not ready; none ends by itself",
    ),
    (Bounds, "I15", "bounds", "memory, rows, connections and consumer names stay bounded over a run"),
];

impl Invariant {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        INVARIANTS.into_iter().map(|row| row.0)
    }

    /// `I1`
    pub(super) fn id(self) -> &'static str {
        INVARIANTS[self as usize].1
    }

    pub(super) fn name(self) -> &'static str {
        INVARIANTS[self as usize].2
    }
}

/// The place of a contradiction, where a second look finds it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Order(Uuid),
    /// Stock or catalogue entry of a product.
    Sku(String),
    /// Row of the stock ledger.
    Row(String, i64),
    /// In a stream.
    Event(String),
    /// A sum, or a client log.
    Whole,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offender {
    pub about: About,
    /// An id and its contradiction.
    pub text: String,
}

#[derive(Debug)]
pub(super) struct InvariantFindings {
    looked_at: u64,
    count: u64,
    /// The first ones, as many as `named`.
    offenders: Vec<Offender>,
    named: usize,
    not_judged: Option<String>,
}

impl InvariantFindings {
    pub(super) fn looked_at(&mut self, more: usize) {
        self.looked_at += more as u64;
    }

    /// An id and its contradiction.
    pub(super) fn broken(&mut self, offender: impl Into<String>) {
        self.broken_at(About::Whole, offender);
    }

    pub(super) fn broken_order(&mut self, order: Uuid, why: impl std::fmt::Display) {
        self.broken_at(About::Order(order), format!("order {order}: {why}"));
    }

    pub(super) fn broken_sku(&mut self, sku: &str, why: impl std::fmt::Display) {
        self.broken_at(About::Sku(sku.to_owned()), format!("{sku}: {why}"));
    }

    pub(super) fn broken_at(&mut self, about: About, text: impl Into<String>) {
        self.count += 1;
        if self.offenders.len() < self.named {
            self.offenders.push(Offender { about, text: text.into() });
        }
    }

    pub(super) fn not_judged(&mut self, why: impl Into<String>) {
        self.not_judged = Some(why.into());
    }

    fn judgement(self) -> Judgement {
        match (self.count, self.not_judged) {
            (0, None) => Judgement::Holds,
            (0, Some(why)) => Judgement::NotJudged { why },
            (count, _) => {
                let offenders = self.offenders.into_iter().map(|offender| offender.text).collect();
                Judgement::Broken { count, offenders }
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Findings([InvariantFindings; INVARIANTS.len()]);

impl Default for Findings {
    fn default() -> Self {
        Self::naming(NAMED)
    }
}

impl Findings {
    /// Names as many offenders of each invariant.
    pub(super) fn naming(named: usize) -> Self {
        Self(INVARIANTS.map(|_| InvariantFindings {
            looked_at: 0,
            count: 0,
            offenders: Vec::new(),
            named,
            not_judged: None,
        }))
    }

    pub(super) fn offenders(self) -> impl Iterator<Item = (Invariant, Offender)> {
        let of = |(invariant, findings): (Invariant, InvariantFindings)| {
            findings.offenders.into_iter().map(move |offender| (invariant, offender))
        };
        Invariant::all().zip(self.0).flat_map(of)
    }

    pub(super) fn of(&mut self, invariant: Invariant) -> &mut InvariantFindings {
        &mut self.0[invariant as usize]
    }

    pub(super) fn without_client_log(&mut self) {
        self.of(Durable).not_judged("needs --client-log");
        self.of(NoGhosts).not_judged("the owners are accounts; the keys need --client-log");
    }

    pub(super) fn without_samples(&mut self) {
        for invariant in [Progress, Readiness, Bounds] {
            self.of(invariant).not_judged("needs the samples of `chaos`");
        }
    }

    pub(super) fn checks(self) -> Vec<Check> {
        let check = |((_, id, name, what), findings): (_, InvariantFindings)| {
            let looked_at = findings.looked_at;
            Check { id, name, what, looked_at, judgement: findings.judgement() }
        };
        INVARIANTS.into_iter().zip(self.0).map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_offenders_count_and_the_first_are_named() {
        let mut findings = Findings::default();
        (0..30).for_each(|n| findings.of(Money).broken(n.to_string()));
        let checks = findings.checks();
        let Judgement::Broken { count, offenders } = &checks[4].judgement else { panic!("{checks:?}") };
        assert_eq!((checks[4].id, *count, offenders.len()), ("I5", 30, NAMED));
        assert_eq!(checks[0].judgement, Judgement::Holds);
    }

    #[test]
    fn pages_are_in_the_order_of_the_invariants() {
        assert!(
            INVARIANTS
                .iter()
                .enumerate()
                .all(|(place, row)| row.0 as usize == place && row.1 == format!("I{}", place + 1))
        );
    }
}
