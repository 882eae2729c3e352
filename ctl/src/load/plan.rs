//! What to send, and where.

use std::time::Duration;

/// Where the services are: several instances of one are used in turn, and one that cannot be reached is
/// passed over.
#[derive(Debug, Clone)]
pub struct ServiceUrls {
    /// `http://127.0.0.1:8002`
    pub user: Vec<String>,
    /// `http://127.0.0.1:8000`
    pub inventory: Vec<String>,
    /// `http://127.0.0.1:8001`
    pub payment: Vec<String>,
}

/// How orders follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// So many orders a second, however long the answers take (bounded by `in_flight` of the plan).
    Rate(f64),
    /// So many workers, each with one order at a time: the next is sent when the last one is accepted.
    Workers(usize),
}

/// What to send.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// `None`: until `time` is over.
    pub orders: Option<u64>,
    /// `None`: until all `orders` are sent.
    pub time: Option<Duration>,
    /// How orders follow each other.
    pub arrivals: Arrivals,
    /// Orders on their way to an answer at one time, at most; beyond, the rate is not kept, and that is
    /// reported. As many long polls may wait beside them for orders to move.
    pub in_flight: usize,
    /// Orders wait for [`Quota::release`](super::Quota::release): somebody else decides how far the load may
    /// go.
    pub metered: bool,
    /// Every order is watched to its end; otherwise only its acceptance is measured.
    pub follow: bool,
    /// Unknown outcomes are asked for again with the same key; otherwise they are only counted.
    pub retry: bool,
    /// What is ordered.
    pub mix: Mix,
    /// Decides products, quantities and payment methods, not the timing.
    pub seed: u64,
    /// How long an accepted order may take to its end, and an unknown outcome to be known, before it counts
    /// as stuck.
    pub patience: Duration,
}

/// What is ordered. Shares are parts of 1.
#[derive(Debug, Clone)]
pub struct Mix {
    /// Who orders, in turn.
    pub customers: usize,
    /// Products that never run out.
    pub products: usize,
    /// Orders of the one product everybody wants.
    pub hot: f64,
    /// Its stock.
    pub hot_stock: u32,
    /// Orders of a product of which there is hardly any: refunds.
    pub scarce: f64,
    /// Orders of 2 to 4 lines.
    pub several_lines: f64,
    /// `tok_declined`, `tok_insufficient_funds`, `tok_timeout`, `tok_flaky`: each this share.
    pub odd_methods: f64,
}

impl LoadPlan {
    /// Whether it can be carried out; if not, what to change.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let paced = match self.arrivals {
            Arrivals::Rate(rate) => rate.is_finite() && rate > 0.0,
            Arrivals::Workers(workers) => workers > 0,
        };
        let shares = [self.mix.hot, self.mix.scarce, self.mix.several_lines, self.mix.odd_methods];
        let rules = [
            (self.orders.is_some() || self.time.is_some(), "it has no end: set a number of orders or a time"),
            (paced, "the rate, or the number of workers, must be above 0"),
            (self.in_flight > 0, "at least 1 order must be allowed in flight"),
            (
                self.mix.customers > 0 && self.mix.products > 0,
                "there must be at least 1 customer and 1 product",
            ),
            (shares.iter().all(|share| (0.0..=1.0).contains(share)), "a share is a number from 0 to 1"),
            (
                self.mix.hot + self.mix.scarce <= 1.0,
                "the shares of the hot and the scarce product are more than 1 together",
            ),
            (
                4.0 * self.mix.odd_methods <= 1.0,
                "there are 4 odd payment methods: the share of each is at most 0.25",
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
