use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(1);

/// Bounds what a flood of refusals costs. One source takes half of the places at most, so that it hides no other.
#[derive(Debug)]
pub(super) struct Refusals {
    most: u32,
    began: Instant,
    all: u32,
    of: HashMap<Option<IpAddr>, u32>,
}

impl Refusals {
    /// `most`: a second.
    pub fn new(most: u32, now: Instant) -> Self {
        Self { most, began: now, all: 0, of: HashMap::new() }
    }

    /// Takes a place of this second, if there is one.
    pub fn admit(&mut self, source: Option<IpAddr>, now: Instant) -> bool {
        if now.duration_since(self.began) >= WINDOW {
            (self.began, self.all) = (now, 0);
            self.of.clear();
        }
        if self.all >= self.most {
            return false;
        }
        let own = self.of.entry(source).or_default();
        if *own >= self.most.div_ceil(2) {
            return false;
        }
        *own += 1;
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn one_address_takes_half_of_a_second_and_all_together_take_all_of_it() {
        let began = Instant::now();
        let mut refusals = Refusals::new(10, began);
        let mut admitted = |last| (0..100).filter(|_| refusals.admit(address(last), began)).count();
        assert_eq!([admitted(1), admitted(2), admitted(3)], [5, 5, 0]);
        assert!(refusals.admit(address(3), began + WINDOW), "the next second has places");
    }

    #[test]
    fn a_bound_of_one_records_one() {
        let now = Instant::now();
        let mut refusals = Refusals::new(1, now);
        assert!(refusals.admit(None, now) && !refusals.admit(None, now));
    }
}
