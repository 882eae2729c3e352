//! A bounded REST client: customers who order, ask again with the same key when they do not know, and watch every order to
//! its end.
//!
//! It runs against any deployment. Orders are sent at a rate or by a fixed number of workers, over a mix of plentiful, hot
//! and scarce products; what it did and saw goes into a [client log](crate::client_log).

use std::time::Duration;

/// Where the services are: several instances of one are used in turn, and one that cannot be reached is passed over.
#[derive(Debug, Clone)]
pub struct Shop {
    pub user: Vec<String>,
    pub inventory: Vec<String>,
    pub payment: Vec<String>,
}

/// How orders follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many orders a second, however long the answers take (bounded by `in_flight` of the plan).
    Rate(f64),
    /// So many workers, each with one order at a time.
    Workers(usize),
}

/// What to send.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// `None`: until `time` is over.
    pub orders: Option<u64>,
    /// `None`: until all `orders` are sent.
    pub time: Option<Duration>,
    pub pace: Pace,
    /// Requests on their way at one time, at most; beyond, the rate is not kept, and that is reported.
    pub in_flight: usize,
    /// Orders wait for [`Quota::release`]: somebody else decides how far the load may go.
    pub metered: bool,
    /// Every order is watched to its end; otherwise only its acceptance is measured.
    pub follow: bool,
    /// Unknown outcomes are asked for again with the same key; otherwise they are only counted.
    pub retry: bool,
    pub mix: Mix,
    /// Decides products, quantities and payment methods, not the timing.
    pub seed: u64,
    /// How long an accepted order may take to its end, and an unknown outcome to be known, before it counts as stuck.
    pub patience: Duration,
}

/// What is ordered. Shares are parts of 1.
#[derive(Debug, Clone)]
pub struct Mix {
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
