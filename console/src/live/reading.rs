//! The figures of one instance, out of its metrics.

use super::{
    exposition::{Sample, samples},
    histogram::Totals,
    part::Part,
};

/// One look at the metrics of an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Seconds since 1970; another one: the process is another one.
    pub started: f64,
    /// By part.
    pub totals: [Totals; Part::ALL.len()],
    /// By part: what waits in this process.
    pub queued: [f64; Part::ALL.len()],
    /// By part: what waits in the database, which all instances see.
    pub parked: [f64; Part::ALL.len()],
    /// By part, in seconds.
    pub oldest: [f64; Part::ALL.len()],
}

impl Reading {
    pub fn parse(text: &str) -> Self {
        let mut reading = Self::default();
        samples(text).for_each(|sample| reading.take(&sample));
        reading
    }

    fn take(&mut self, sample: &Sample<'_>) {
        if sample.name == "process_start_time_seconds" {
            self.started = sample.value;
        }
        for (n, part) in Part::ALL.iter().enumerate() {
            if part.counts(sample) {
                self.totals[n].count += sample.value;
            }
            if part.times(sample)
                && let Some(bound) = sample.label("le").and_then(|bound| bound.parse().ok())
            {
                self.totals[n].add_bucket(bound, sample.value);
            }
            if part.queues(sample) {
                self.queued[n] += sample.value;
            }
            if part.parks(sample) {
                self.parked[n] += sample.value;
            }
            if part.ages(sample) {
                self.oldest[n] = self.oldest[n].max(sample.value);
            }
        }
    }

    /// The growth since the last look at the same process.
    pub fn since(&self, before: &Self) -> [Totals; Part::ALL.len()] {
        std::array::from_fn(|n| self.totals[n].since(&before.totals[n]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
orderflow_orders_total{status="pending"} 7
orderflow_orders_total{status="confirmed"} 4
orderflow_orders_total{status="refunded"} 1
orderflow_stream_messages_total{stream="order_completed.1",group="inventory-group",outcome="done"} 3
orderflow_stream_messages_total{stream="order_completed.2",group="inventory-group",outcome="done"} 2
orderflow_actor_queue_depth{actor="cashier",name="cashier"} 5
orderflow_charges_retried 2
orderflow_charges_retried_oldest_seconds 9.5
process_start_time_seconds 100
"#;

    fn at(part: Part) -> usize {
        Part::ALL.iter().position(|known| *known == part).expect("a part")
    }

    #[test]
    fn the_figures_of_a_part_come_from_its_series() {
        let reading = Reading::parse(TEXT);
        let counts = [Part::Post, Part::Stream("order_completed"), Part::End]
            .map(|part| reading.totals[at(part)].count);
        assert_eq!(counts, [7.0, 5.0, 5.0]);
        let charge = at(Part::Charge);
        assert_eq!((reading.queued[charge], reading.parked[charge], reading.oldest[charge]), (5.0, 2.0, 9.5));
    }
}
