//! Throttle of new orders: while even the fastest orders are late, fewer are admitted than finish.
//!
//! The *minimum* age tells a standing backlog from a burst, as in CoDel (RFC 8289): the entries of a dead
//! consumer come out old beside younger ones. With too few ends to measure, every order is admitted.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Ends are counted and admissions spread over this time.
const SLICE: Duration = Duration::from_millis(100);
/// One second together.
const SLICES: usize = 10;
/// Minimum ends in the window to measure the age.
const MIN_ENDS: u32 = 50;
/// Admitted orders per finished one while orders are late: below 1 to shrink the backlog.
const LATE_RATIO: f64 = 0.9;
/// Growth of the limit per slice: a fifth a second.
const RECOVERY_RATIO: f64 = 1.02;

#[derive(Debug)]
pub struct Throttle {
    late_after: Duration,
    slice_began: Instant,
    current: Slice,
    past: VecDeque<Slice>,
    limit: Option<Limit>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    ended: u32,
    youngest: Option<Duration>,
    refused: bool,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Admissions per slice.
    rate: f64,
    left: f64,
}

impl Throttle {
    /// `late_after`: maximum time from payment to the final state.
    pub fn new(late_after: Duration, now: Instant) -> Self {
        Self {
            late_after,
            slice_began: now,
            current: Slice::default(),
            past: VecDeque::with_capacity(SLICES),
            limit: None,
        }
    }

    pub fn admit(&mut self, now: Instant) -> bool {
        self.close_slices(now);
        match &mut self.limit {
            None => true,
            Some(limit) if limit.left >= 1.0 => {
                limit.left -= 1.0;
                true
            }
            Some(_) => {
                self.current.refused = true;
                false
            }
        }
    }

    /// `age`: time since the payment.
    pub fn record_end(&mut self, age: Duration, now: Instant) {
        self.close_slices(now);
        self.current.ended += 1;
        self.current.youngest = Some(self.current.youngest.map_or(age, |youngest| youngest.min(age)));
    }

    fn close_slices(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.slice_began).as_millis() / SLICE.as_millis();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.slice_began += SLICE * passed;
        // One more than the window clears everything after a pause.
        for _ in 0..passed.min(SLICES as u32 + 1) {
            if self.past.len() == SLICES {
                self.past.pop_front();
            }
            self.past.push_back(std::mem::take(&mut self.current));
            self.limit = self.next_limit();
        }
    }

    fn next_limit(&self) -> Option<Limit> {
        let ended: u32 = self.past.iter().map(|slice| slice.ended).sum();
        let youngest = self.past.iter().filter_map(|slice| slice.youngest).min();
        let rate = f64::from(ended) / self.past.len() as f64;
        let late = ended >= MIN_ENDS && youngest.is_some_and(|youngest| youngest > self.late_after);
        let left = self.limit.map_or(0.0, |limit| limit.left.min(limit.rate));
        let rate = match self.limit {
            _ if late => rate * LATE_RATIO,
            Some(limit) if self.past.iter().any(|slice| slice.refused) => limit.rate * RECOVERY_RATIO,
            _ => return None, // a second without a refusal
        };
        Some(Limit { rate, left: left + rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(1);

    /// Returns the orders admitted in the last of these seconds.
    fn pass(
        throttle: &mut Throttle,
        now: &mut Instant,
        seconds: u32,
        ends: u32,
        age: Duration,
        offered: u32,
    ) -> u32 {
        let mut taken = 0;
        for _ in 0..seconds {
            taken = 0;
            for _ in 0..SLICES {
                (0..ends / 10).for_each(|_| throttle.record_end(age, *now));
                taken += (0..offered / 10).filter(|_| throttle.admit(*now)).count() as u32;
                *now += SLICE;
            }
        }
        taken
    }

    #[test]
    fn everything_is_taken_while_orders_end_in_time() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(LATE, now);
        assert_eq!(pass(&mut throttle, &mut now, 5, 1000, LATE / 2, 5000), 5000);
    }

    #[test]
    fn fewer_are_taken_than_come_to_their_end_once_the_youngest_is_late() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(LATE, now);
        let taken = pass(&mut throttle, &mut now, 5, 1000, LATE * 2, 5000);
        assert!((890..=910).contains(&taken), "{taken} of 1000");
    }

    #[test]
    fn old_orders_beside_young_ones_are_no_backlog() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(LATE, now);
        for _ in 0..50 {
            throttle.record_end(LATE / 10, now);
            (0..99).for_each(|_| throttle.record_end(LATE * 60, now));
            assert!((0..500).all(|_| throttle.admit(now)));
            now += SLICE;
        }
    }

    #[test]
    fn orders_are_taken_when_nothing_comes_to_its_end() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(LATE, now);
        pass(&mut throttle, &mut now, 2, 1000, LATE * 2, 5000);
        // The limit grows away within 40 seconds.
        assert_eq!(pass(&mut throttle, &mut now, 40, 0, LATE, 5000), 5000);
    }

    #[test]
    fn a_pause_ends_the_limit() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(LATE, now);
        pass(&mut throttle, &mut now, 5, 1000, LATE * 2, 5000);
        now += Duration::from_secs(60);
        assert_eq!(pass(&mut throttle, &mut now, 1, 1000, LATE / 10, 5000), 5000);
    }
}
