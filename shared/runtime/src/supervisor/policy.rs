use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::ExitReason;

/// Exponential backoff with jitter, and a fault limit.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    pub first_delay: Duration,
    pub longest_delay: Duration,
    /// Within `period`; one more ends the process.
    pub most_faults: usize,
    pub period: Duration,
}

impl Default for RestartPolicy {
    /// 50 ms doubling to 2 s keeps recovery within the promised 15 s. 20 faults a minute are more than twice
    /// those of a poison message (delivery limit 5).
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_secs(2),
            most_faults: 20,
            period: Duration::from_secs(60),
        }
    }
}

#[derive(Debug)]
pub(super) struct RestartHistory {
    policy: RestartPolicy,
    faults: VecDeque<Instant>,
    delay: Duration,
    last_end: Option<ExitReason>,
}

impl RestartHistory {
    pub(super) fn new(policy: RestartPolicy) -> Self {
        Self { policy, faults: VecDeque::new(), delay: policy.first_delay, last_end: None }
    }

    /// Counts a fault; false past the limit.
    pub(super) fn allows_fault(&mut self, now: Instant) -> bool {
        self.faults.push_back(now);
        while self.faults.front().is_some_and(|first| now.duration_since(*first) > self.policy.period) {
            self.faults.pop_front();
        }
        self.faults.len() <= self.policy.most_faults
    }

    /// Only the first of equal ends in an outage is new.
    pub(super) fn is_new_reason(&mut self, reason: &ExitReason, lived: Duration) -> bool {
        let known = !reason.is_fault()
            && lived <= self.policy.longest_delay
            && self.last_end.as_ref() == Some(reason);
        self.last_end = Some(reason.clone());
        !known
    }

    /// A life longer than the longest delay resets the backoff.
    pub(super) fn next_delay(&mut self, lived: Duration) -> Duration {
        if lived > self.policy.longest_delay {
            self.delay = self.policy.first_delay;
        }
        let delay = self.delay;
        self.delay = (delay * 2).min(self.policy.longest_delay);
        // Spreads children that ended together.
        delay.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_to_its_limit_and_starts_over_after_a_long_life() {
        let policy = RestartPolicy {
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(1),
            ..RestartPolicy::default()
        };
        let mut history = RestartHistory::new(policy);
        let delays: Vec<u128> = (0..6).map(|_| history.next_delay(Duration::ZERO).as_millis()).collect();
        for (delay, whole) in delays.iter().zip([100, 200, 400, 800, 1000, 1000]) {
            assert!((whole / 2..=whole).contains(delay), "{delay} is not within half and all of {whole}");
        }
        assert!(history.next_delay(Duration::from_secs(2)).as_millis() <= 100);
    }

    #[test]
    fn an_outage_is_told_once_and_a_fault_each_time() {
        let mut history = RestartHistory::new(RestartPolicy::default());
        let outage = |answer: &str| ExitReason::Disconnected(answer.to_owned());
        let full = outage("OOM");
        let other = outage("READONLY");
        let panic = ExitReason::Panicked("an index".to_owned());
        let is_new = |history: &mut RestartHistory, reason: &ExitReason, lived| {
            history.is_new_reason(reason, Duration::from_secs(lived))
        };
        assert!(is_new(&mut history, &full, 0) && !is_new(&mut history, &full, 1));
        assert!(is_new(&mut history, &other, 0), "another answer");
        assert!(is_new(&mut history, &panic, 0) && is_new(&mut history, &panic, 0));
        assert!(is_new(&mut history, &full, 0) && is_new(&mut history, &full, 3), "the next outage");
    }

    #[test]
    fn faults_outside_the_period_are_forgotten() {
        let policy =
            RestartPolicy { most_faults: 2, period: Duration::from_secs(10), ..RestartPolicy::default() };
        let mut history = RestartHistory::new(policy);
        let start = Instant::now();
        assert!(history.allows_fault(start));
        assert!(history.allows_fault(start + Duration::from_secs(1)));
        assert!(!history.allows_fault(start + Duration::from_secs(2)));
        assert!(history.allows_fault(start + Duration::from_secs(12)));
    }
}
