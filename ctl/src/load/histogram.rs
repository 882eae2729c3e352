//! 8 KiB for any number of latencies, each within 3 %.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// 32 buckets in a power of two: each is at most 1/32 of its value wide.
const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;
/// 2^32 us: 71 minutes, longer than any patience.
const LARGEST: u64 = (1 << 32) - 1;

/// Counts by duration in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

/// Zero without a latency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    #[serde(rename = "p50_ms", serialize_with = "milliseconds")]
    pub p50: Duration,
    #[serde(rename = "p95_ms", serialize_with = "milliseconds")]
    pub p95: Duration,
    #[serde(rename = "p99_ms", serialize_with = "milliseconds")]
    pub p99: Duration,
    #[serde(rename = "max_ms", serialize_with = "milliseconds")]
    pub max: Duration,
}

impl Histogram {
    pub fn new() -> Self {
        Self { counts: vec![0; bucket(LARGEST) + 1], total: 0, longest: Duration::ZERO }
    }

    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(LARGEST).min(LARGEST);
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.longest = self.longest.max(took);
    }

    pub fn latency(&self) -> Latency {
        Latency { p50: self.at(50), p95: self.at(95), p99: self.at(99), max: self.longest }
    }

    /// Upper end of the bucket.
    fn at(&self, percent: u64) -> Duration {
        let wanted = (self.total * percent).div_ceil(100);
        let mut reached = 0;
        let found = self.counts.iter().position(|count| {
            reached += count;
            reached >= wanted
        });
        found.map_or(Duration::ZERO, |index| Duration::from_micros(upper_end(index))).min(self.longest)
    }
}

/// One bucket each below 32; above, the 5 bits after the first decide.
fn bucket(micros: u64) -> usize {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(SUB_BITS + 1);
    let index = u64::from(shift) * SUB + (micros >> shift);
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn upper_end(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / SUB).saturating_sub(1);
    ((index - shift * SUB + 1) << shift) - 1
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_the_buckets_follow_each_other() {
        let mut last = 0;
        for micros in
            (0..4096).chain((12..32).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]))
        {
            let index = bucket(micros);
            assert!(index >= last && index <= last + 32, "{micros}: from {last} to {index}");
            assert!(
                upper_end(index) >= micros && upper_end(index) <= micros + micros / 32,
                "{micros} in {}",
                upper_end(index)
            );
            last = index;
        }
    }

    #[test]
    fn percentiles_are_within_three_percent() {
        let mut histogram = Histogram::new();
        for micros in 1..=100_000 {
            histogram.record(Duration::from_micros(micros));
        }
        let Latency { p50, p95, p99, max } = histogram.latency();
        for (found, exact) in [(p50, 50_000), (p95, 95_000), (p99, 99_000)] {
            let micros = found.as_micros();
            assert!((exact..=exact + exact / 32).contains(&micros), "{micros} for {exact}");
        }
        assert_eq!(max, Duration::from_micros(100_000));
    }

    #[test]
    fn nothing_recorded_is_zero_and_hours_do_not_overflow() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.latency(), Latency::default());
        histogram.record(Duration::from_secs(10_000));
        assert_eq!(histogram.latency().max, Duration::from_secs(10_000));
    }
}
