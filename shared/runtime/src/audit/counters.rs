use metrics::{Counter, counter};

use super::Outcome;

/// Of one service. All show 0 at first.
pub(super) struct Counters {
    records: [(Outcome, Counter); 4],
    /// Refusals beyond `audit-refusals`.
    pub skipped: Counter,
    /// Records that are in the log only.
    pub lost: Counter,
}

impl Counters {
    pub(super) fn of(service: &'static str) -> Self {
        let records = |outcome: Outcome| {
            let label = outcome.as_str();
            (outcome, counter!("orderflow_audit_records_total", "service" => service, "outcome" => label))
        };
        Self {
            records: Outcome::ALL.map(records),
            skipped: counter!("orderflow_audit_skipped_total", "service" => service),
            lost: counter!("orderflow_audit_lost_total", "service" => service),
        }
    }

    pub(super) fn record(&self, outcome: Outcome) {
        for (_, counter) in self.records.iter().filter(|(of, _)| *of == outcome) {
            counter.increment(1);
        }
    }
}
