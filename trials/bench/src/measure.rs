use clap::ValueEnum;

/// A measurement, which gives one or a few figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Measure {
    /// Yardstick Y1: pgbench, one transaction an order
    Y1,
    /// Orders over 100 products, from POST to `confirmed`
    E2e,
    /// Yardstick Y1s: the same rows in one statement
    Y1s,
    /// Orders of one product, from POST to `confirmed`
    Hot,
    /// Yardstick Y2: pgbench, one unit of one product a transaction
    Y2,
    /// A backlog of one product, consumed by inventory alone
    Consumer,
    /// Orders accepted while consumers are stopped
    Post,
    /// Orders accepted while inventory is down, and the drain of this backlog
    Drain,
    /// One order at a time
    Single,
    /// Yardstick of single: POST without group commit, one statement a request
    Ungrouped,
    /// Latency from POST to the end at 100 and 300 orders a second
    Latency,
    /// Orders of 64 customers who wait for the end of each
    #[value(name = "wait-64")]
    Wait64,
    /// Orders of 512 customers who wait for the end of each
    #[value(name = "wait-512")]
    Wait512,
    /// Orders over 100 products with one and with two instances of each service
    TwoInstances,
    /// GET of products, beside axum that serves them from memory
    Browse,
    /// Orders with few and with many stored ones
    Stored,
    /// The last minute of ten at 80 % of the capacity beside the first; only when named
    TenMinutes,
}

impl Measure {
    /// False for a measurement that runs when named only.
    #[must_use]
    pub fn is_default(self) -> bool {
        self != Self::TenMinutes
    }

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
