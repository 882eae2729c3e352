//! How fast orders pass each part of their way, and how many wait there.
//!
//! Guarantee: counters of all processes add up. One that begins anew at 0 takes nothing away, and one that was
//! there before the first look at it adds nothing: an address may lead to several.
//!
//! ```text
//!   reading of each instance ─> growth ─> sums ─> rate, p99 of 15 s ─> an hour
//! ```

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{edge::Edge, histogram::Totals, hour::Hour, part::Part, reading::Reading};
use crate::{
    api::{Service, operations::Outbox},
    text::{Curve, Seconds},
};

/// Long enough for two looks of the sampler.
const WINDOW: Duration = Duration::from_secs(15);

/// A process that was not seen for this long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// An instance of a service, by its number in the settings.
pub type At = (Service, usize);

/// The figures of a part.
#[derive(Debug, Clone)]
pub struct Pace {
    pub part: Part,
    /// `None` until there are two looks.
    pub per_second: Option<f64>,
    /// `None` where nothing passed in the last 15 s.
    pub p99: Option<Seconds>,
    pub waiting: Option<u64>,
    pub oldest: Option<Seconds>,
    /// The rate over the last hour, or since the first look.
    pub hour: Curve,
    length: Seconds,
    is_estimate: bool,
    late_after: f64,
}

#[derive(Default)]
pub struct Paces {
    /// By service and start.
    last: HashMap<(Service, u64), (Instant, Reading)>,
    /// In seconds since 1970.
    looked: f64,
    sums: [Totals; Part::ALL.len()],
    recent: VecDeque<(Instant, [Totals; Part::ALL.len()])>,
    hours: [Hour; Part::ALL.len()],
}

impl Paces {
    /// An instance that did not answer is left out. `now` never goes back; `clock` is in seconds since 1970, as
    /// the services tell their start.
    pub fn take(
        &mut self,
        now: Instant,
        clock: f64,
        readings: Vec<(At, Reading)>,
        late_after: f64,
    ) -> Vec<Pace> {
        let is_known = !readings.is_empty();
        let waiting = |n: usize| {
            let queued: f64 = readings.iter().map(|(_, reading)| reading.queued[n]).sum();
            queued + readings.iter().map(|(_, reading)| reading.parked[n]).fold(0.0, f64::max)
        };
        let waits: [f64; Part::ALL.len()] = std::array::from_fn(waiting);
        let oldest: [f64; Part::ALL.len()] = std::array::from_fn(|n| {
            readings.iter().map(|(_, reading)| reading.oldest[n]).fold(0.0, f64::max)
        });
        readings.into_iter().for_each(|((service, _), reading)| self.grow(now, service, reading));
        self.looked = clock;
        self.last.retain(|_, (seen, _)| now.duration_since(*seen) <= FORGOTTEN);
        self.recent.retain(|(at, _)| now.duration_since(*at) <= WINDOW);
        let first = self.recent.front().cloned();
        self.recent.push_back((now, self.sums.clone()));
        let pace = |(n, part): (usize, Part)| {
            let grown =
                first.as_ref().map(|(at, before)| (now.duration_since(*at), self.sums[n].since(&before[n])));
            let grown = grown.filter(|(time, _)| is_known && !time.is_zero());
            let per_second = grown.as_ref().map(|(time, grown)| grown.count / time.as_secs_f64());
            if let Some(per_second) = per_second {
                self.hours[n].push(now, per_second);
            }
            Pace {
                part,
                per_second,
                p99: grown.and_then(|(_, grown)| grown.quantile(0.99)).map(Seconds),
                waiting: part.has_queue().then_some(waits[n] as u64).filter(|_| is_known),
                oldest: part.has_queue().then_some(Seconds(oldest[n])).filter(|_| is_known),
                hour: self.hours[n].curve(now),
                length: Seconds(self.hours[n].length(now).as_secs_f64().max(1.0)),
                is_estimate: false,
                late_after,
            }
        };
        Part::ALL.into_iter().enumerate().map(pace).collect()
    }

    /// The first look at a process only begins, unless it started after the look before.
    fn grow(&mut self, now: Instant, service: Service, reading: Reading) {
        let process = (service, reading.started.to_bits());
        let grown = match self.last.get(&process) {
            Some((_, before)) => reading.since(before),
            None if self.looked > 0.0 && reading.started > self.looked => reading.totals.clone(),
            None => Default::default(),
        };
        self.sums.iter_mut().zip(&grown).for_each(|(sum, grown)| sum.add(grown));
        self.last.insert(process, (now, reading));
    }
}

impl Pace {
    /// What Redis says of a stream is newer than the metrics.
    pub fn of_stream(self, edge: &Edge) -> Self {
        let is_known = edge.state.is_known();
        Self {
            waiting: is_known.then_some(edge.waiting),
            oldest: is_known.then_some(edge.oldest),
            is_estimate: edge.is_estimate,
            ..self
        }
    }

    /// Orders that are paid and have no end yet.
    pub fn of_outbox(self, outbox: Option<&Outbox>) -> Self {
        Self {
            waiting: outbox.and_then(|outbox| u64::try_from(outbox.unconfirmed).ok()),
            oldest: outbox.map(|outbox| outbox.oldest_seconds),
            ..self
        }
    }

    pub fn rate_words(&self) -> String {
        self.per_second.map_or_else(|| "-".to_owned(), rate)
    }

    pub fn waiting_words(&self) -> String {
        let about = if self.is_estimate { "about " } else { "" };
        self.waiting.map_or_else(|| "-".to_owned(), |waiting| format!("{about}{waiting}"))
    }

    pub fn oldest_words(&self) -> String {
        self.oldest.filter(|_| self.waiting != Some(0)).map_or_else(|| "-".to_owned(), |age| age.to_string())
    }

    pub fn p99_words(&self) -> String {
        self.p99.map_or_else(|| "-".to_owned(), |time| time.to_string())
    }

    pub fn hour_words(&self) -> String {
        match self.hour.most() {
            Some(most) => format!("last {}: up to {}", self.length, rate(most)),
            None => "not known yet".to_owned(),
        }
    }

    pub fn is_slow(&self) -> bool {
        self.p99.is_some_and(|p99| p99.0 > self.late_after)
    }

    pub fn is_old(&self) -> bool {
        self.waiting != Some(0) && self.oldest.is_some_and(|oldest| oldest.0 > self.late_after)
    }

    /// A name for the style sheet.
    pub fn class(&self) -> &'static str {
        if self.is_slow() || self.is_old() { "late" } else { "" }
    }
}

fn rate(per_second: f64) -> String {
    if per_second == 0.0 || per_second >= 9.95 {
        format!("{per_second:.0}/s")
    } else {
        format!("{per_second:.1}/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(orders: u32, started: u32) -> Reading {
        Reading::parse(&format!(
            "orderflow_orders_total{{status=\"pending\"}} {orders}\nprocess_start_time_seconds {started}\n"
        ))
    }

    fn rates(looks: &[&[(usize, Reading)]]) -> Vec<Option<f64>> {
        let mut paces = Paces::default();
        let begin = Instant::now();
        let looks = looks.iter().enumerate().map(|(second, look)| {
            let look = look.iter().map(|(number, reading)| ((Service::Payment, *number), reading.clone()));
            let clock = 1000.0 + second as f64;
            paces.take(begin + Duration::from_secs(second as u64), clock, look.collect(), 5.0)[0].per_second
        });
        looks.collect()
    }

    #[test]
    fn instances_add_up_and_a_restart_takes_nothing_away() {
        let one = |orders| (0, reading(orders, 1));
        let two = |orders| (1, reading(orders, 2));
        // After the second look.
        let restarted = (1, reading(4, 1002));
        let seen = rates(&[&[one(10), two(100)], &[one(14), two(102)], &[one(14), restarted]]);
        assert_eq!(seen, [None, Some(6.0), Some(5.0)]);
    }

    #[test]
    fn an_instance_that_is_new_or_silent_makes_no_jump() {
        let one = |orders| (0, reading(orders, 1));
        let seen = rates(&[&[one(10)], &[one(10), (1, reading(5000, 2))], &[(1, reading(5000, 2))], &[]]);
        assert_eq!(seen, [None, Some(0.0), Some(0.0), None]);
    }

    #[test]
    fn an_address_of_several_instances_makes_no_jump() {
        let (one, two) = (|orders| (0, reading(orders, 1)), |orders| (0, reading(orders, 2)));
        let seen = rates(&[&[one(10)], &[two(5000)], &[one(12)], &[two(5004)]]);
        assert_eq!(seen, [None, Some(0.0), Some(1.0), Some(2.0)]);
    }

    #[test]
    fn a_long_gap_begins_anew() {
        let mut paces = Paces::default();
        let begin = Instant::now();
        let mut look = |second, orders| {
            let seen = vec![((Service::Payment, 0), reading(orders, 1))];
            paces.take(begin + Duration::from_secs(second), 1000.0 + second as f64, seen, 5.0)[0].per_second
        };
        assert_eq!(
            [look(0, 0), look(10, 100), look(4000, 9000), look(4010, 9010)],
            [None, Some(10.0), None, Some(1.0)]
        );
    }
}
