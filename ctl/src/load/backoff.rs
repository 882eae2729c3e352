use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Doubles from 50 ms to 1 s.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub fn new() -> Self {
        Self(FIRST)
    }

    /// Jitter spreads retries of requests refused together.
    pub fn pause(&mut self, retry_after: Option<Duration>) -> Duration {
        if let Some(wanted) = retry_after {
            return wanted.mul_f64(rand::random_range(1.0..1.1));
        }
        let pause = self.0;
        self.0 = (2 * pause).min(LONGEST);
        pause.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_the_server_is_obeyed() {
        let mut backoff = Backoff::new();
        assert!(backoff.pause(Some(Duration::from_secs(3))) >= Duration::from_secs(3));
        for longest in [50, 100, 200, 400, 800, 1000, 1000] {
            let pause = backoff.pause(None).as_millis();
            assert!((longest / 2..=longest).contains(&pause), "{pause} of {longest}");
        }
    }
}
