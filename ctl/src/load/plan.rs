//! The plan of a load: orders, and addresses.

use std::time::Duration;

/// The addresses of the services. Several instances of `user` and of `payment` are used in turn; an
/// unreachable instance of `payment` is passed over.
#[derive(Debug, Clone)]
pub struct ServiceUrls {
    /// `http://127.0.0.1:8002`
    pub user: Vec<String>,
    /// `http://127.0.0.1:8000`
    pub inventory: Vec<String>,
    /// `http://127.0.0.1:8001`
    pub payment: Vec<String>,
}

/// The arrivals of orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// An open loop: orders a second, independent of response times, bounded by `in_flight` of the plan.
    Rate(f64),
    /// A closed loop: workers, each with one order at a time. The next order is sent when the last one is
    /// accepted.
    Workers(usize),
}

/// The plan of a load.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// The number of orders; `None`: until `time` is over.
    pub orders: Option<u64>,
    /// The time of sending; `None`: until all `orders` are sent.
    pub time: Option<Duration>,
    /// The arrivals of orders.
    pub arrivals: Arrivals,
    /// Limit of concurrent requests. Above, orders are left out and counted. The same limit holds for
    /// concurrent long polls.
    pub in_flight: usize,
    /// Whether orders wait for [`Quota::release`](super::Quota::release), with which the caller limits the
    /// load.
    pub metered: bool,
    /// Whether each order is followed to its final state; otherwise only its acceptance is measured.
    pub follow: bool,
    /// Whether unknown outcomes are retried with the same key; otherwise they are counted.
    pub retry: bool,
    /// The mix of orders.
    pub mix: Mix,
    /// The seed of products, quantities and payment methods. The timing does not depend on it.
    pub seed: u64,
    /// Time after which an accepted order without a final state, or an unknown outcome, counts as stuck.
    pub patience: Duration,
}

/// The mix of orders. Shares are parts of 1.
#[derive(Debug, Clone)]
pub struct Mix {
    /// Number of customers, who order in turn.
    pub customers: usize,
    /// Number of plentiful products.
    pub products: usize,
    /// Share of orders of the hot product.
    pub hot: f64,
    /// Stock of the hot product.
    pub hot_stock: u32,
    /// Share of orders of the scarce product, which lead to refunds.
    pub scarce: f64,
    /// Share of orders with 2 to 4 lines.
    pub several_lines: f64,
    /// Share of each of `tok_declined`, `tok_insufficient_funds`, `tok_timeout` and `tok_flaky`.
    pub odd_methods: f64,
}

impl LoadPlan {
    /// Checks the plan; the error says what to change.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let paced = match self.arrivals {
            Arrivals::Rate(rate) => rate.is_finite() && rate > 0.0,
            Arrivals::Workers(workers) => workers > 0,
        };
        let shares = [self.mix.hot, self.mix.scarce, self.mix.several_lines, self.mix.odd_methods];
        let rules = [
            (
                self.orders.is_some() || self.time.is_some(),
                "the load has no end: set a number of orders or a time",
            ),
            (paced, "the rate, or the number of workers, must be above 0"),
            (self.in_flight > 0, "at least 1 order must be allowed in flight"),
            (
                self.mix.customers > 0 && self.mix.products > 0,
                "there must be at least 1 customer and 1 product",
            ),
            (shares.iter().all(|share| (0.0..=1.0).contains(share)), "a share is a number from 0 to 1"),
            (
                self.mix.hot + self.mix.scarce <= 1.0,
                "the shares of the hot and the scarce product add up to more than 1",
            ),
            (
                4.0 * self.mix.odd_methods <= 1.0,
                "the share of each of the 4 odd payment methods must be at most 0.25",
            ),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(rule))
    }
}

impl ServiceUrls {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let known = [&self.user, &self.inventory, &self.payment].iter().all(|urls| !urls.is_empty());
        if known { Ok(()) } else { Err("every service needs at least 1 address") }
    }
}
