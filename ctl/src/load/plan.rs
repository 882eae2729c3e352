use std::time::Duration;

/// Instances are used in turn; an unreachable one of `payment` is passed over.
#[derive(Debug, Clone)]
pub struct ServiceUrls {
    pub user: Vec<String>,
    pub inventory: Vec<String>,
    pub payment: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Open loop: orders a second, bounded by `in_flight`.
    Rate(f64),
    /// Closed loop: a worker's next order follows the acceptance of its last one.
    Workers(usize),
}

#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// `None`: until `time` is over.
    pub orders: Option<u64>,
    /// `None`: until all `orders` are sent.
    pub time: Option<Duration>,
    pub arrivals: Arrivals,
    /// Limits concurrent requests, and likewise long polls; orders above are left out and counted.
    pub in_flight: usize,
    /// Orders wait for [`Quota::release`](super::Quota::release).
    pub metered: bool,
    /// Follows orders to their final state; otherwise measures acceptance only.
    pub follow: bool,
    /// Retries unknown outcomes with the same key; otherwise counts them.
    pub retry: bool,
    pub mix: Mix,
    /// Seed of products, quantities and payment methods; timing is independent.
    pub seed: u64,
    /// Orders open or unknown for longer count as stuck.
    pub patience: Duration,
}

/// Shares are parts of 1.
#[derive(Debug, Clone)]
pub struct Mix {
    pub customers: usize,
    pub products: usize,
    pub hot: f64,
    pub hot_stock: u32,
    pub scarce: f64,
    /// Orders with 2 to 4 lines.
    pub several_lines: f64,
    /// Each of `tok_declined`, `tok_insufficient_funds`, `tok_timeout`, `tok_flaky`.
    pub odd_methods: f64,
}

impl LoadPlan {
    /// The error names the change to make.
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
