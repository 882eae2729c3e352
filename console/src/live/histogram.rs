/// A counter and the buckets of a histogram, of one part of the saga. All are sums.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    pub count: f64,
    /// Upper bound and the number of values up to it, by bound.
    buckets: Vec<(f64, f64)>,
}

impl Totals {
    pub fn add_bucket(&mut self, bound: f64, count: f64) {
        match self.buckets.binary_search_by(|(known, _)| known.total_cmp(&bound)) {
            Ok(at) => self.buckets[at].1 += count,
            Err(at) => self.buckets.insert(at, (bound, count)),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        other.buckets.iter().for_each(|(bound, count)| self.add_bucket(*bound, *count));
    }

    /// The growth since `before`. What shrank was counted from 0 again.
    pub fn since(&self, before: &Self) -> Self {
        let grown = |now: f64, before: f64| if now < before { now } else { now - before };
        let of_bucket = |bound: f64| before.buckets.iter().find(|(known, _)| *known == bound);
        let bucket = |(bound, count): &(f64, f64)| {
            (*bound, grown(*count, of_bucket(*bound).map_or(0.0, |(_, count)| *count)))
        };
        Self { count: grown(self.count, before.count), buckets: self.buckets.iter().map(bucket).collect() }
    }

    /// As `histogram_quantile` of Prometheus. `None` without values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let (_, all) = self.buckets.last().filter(|(_, all)| *all > 0.0)?;
        let rank = share * all;
        let mut below = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= rank {
                let inside = (rank - below.1) / (count - below.1);
                return Some(if bound.is_finite() { below.0 + (bound - below.0) * inside } else { below.0 });
            }
            below = (*bound, *count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(counts: [f64; 3]) -> Totals {
        let mut totals = Totals { count: counts[2], ..Totals::default() };
        [f64::INFINITY, 1.0, 0.1].into_iter().zip(counts.into_iter().rev()).for_each(|(bound, count)| {
            totals.add_bucket(bound, count);
        });
        totals
    }

    #[test]
    fn a_quantile_lies_inside_its_bucket() {
        assert_eq!(totals([50.0, 100.0, 100.0]).quantile(0.75), Some(0.55));
        assert_eq!(totals([0.0, 0.0, 4.0]).quantile(0.99), Some(1.0), "beyond the last bound");
        assert_eq!(totals([0.0, 0.0, 0.0]).quantile(0.99), None);
    }

    #[test]
    fn a_restart_counts_from_0_again() {
        let grown = totals([1.0, 2.0, 3.0]).since(&totals([10.0, 20.0, 30.0]));
        assert_eq!(grown, totals([1.0, 2.0, 3.0]));
        assert_eq!(totals([5.0, 6.0, 7.0]).since(&totals([1.0, 2.0, 3.0])), totals([4.0, 4.0, 4.0]));
    }
}
