use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::text::Curve;

/// Between two points. Below the ten seconds of the sampler, which may come a little early.
const EVERY: Duration = Duration::from_millis(9500);
const LENGTH: Duration = Duration::from_secs(3600);
/// The points of a curve, and what it shows at least.
const SHOWN: usize = 90;
const SHORTEST: Duration = Duration::from_secs(120);
/// No point is shorter: two values of the sampler are up to 11 s apart.
const POINT: Duration = Duration::from_secs(12);

/// A figure over the last hour. Its 379 points are its bound.
#[derive(Debug, Default)]
pub struct Hour(VecDeque<(Instant, f64)>);

impl Hour {
    pub fn push(&mut self, at: Instant, value: f64) {
        if self.0.back().is_some_and(|(last, _)| at.duration_since(*last) < EVERY) {
            return;
        }
        while self.0.front().is_some_and(|(first, _)| at.duration_since(*first) >= LENGTH) {
            self.0.pop_front();
        }
        self.0.push_back((at, value));
    }

    /// The time from the first value to `now`.
    pub fn length(&self, now: Instant) -> Duration {
        self.0.front().map_or(Duration::ZERO, |(first, _)| now.duration_since(*first))
    }

    /// The means of equal parts of this time, with gaps where nobody looked.
    pub fn curve(&self, now: Instant) -> Curve {
        let length = self.length(now).max(SHORTEST);
        let point = (length / SHOWN as u32).max(POINT).as_secs_f64();
        let points = (length.as_secs_f64() / point).ceil() as usize;
        let mut sums = vec![(0.0, 0_u32); points];
        for (at, value) in &self.0 {
            let back = (now.duration_since(*at).as_secs_f64() / point) as usize;
            if let Some((sum, count)) = points.checked_sub(back + 1).and_then(|slot| sums.get_mut(slot)) {
                *sum += value;
                *count += 1;
            }
        }
        Curve::of(sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_a_point_each_ten_seconds_at_most_and_forgets_what_is_older() {
        let mut hour = Hour::default();
        let begin = Instant::now();
        (0..7200).for_each(|second| hour.push(begin + Duration::from_secs(second), second as f64));
        assert!((355..=360).contains(&hour.0.len()), "{}", hour.0.len());
        assert!(hour.0.front().is_some_and(|(_, value)| *value >= 3590.0));
    }

    #[test]
    fn a_curve_has_a_gap_where_nobody_looked() {
        let mut hour = Hour::default();
        let begin = Instant::now();
        hour.push(begin, 1.0);
        hour.push(begin + Duration::from_secs(600), 2.0);
        let curve = hour.curve(begin + Duration::from_secs(601));
        assert_eq!((curve.most(), curve.known()), (Some(2.0), 2));
    }
}
