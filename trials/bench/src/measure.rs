use clap::ValueEnum;

/// What is measured on its own; each gives one figure or a few.
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
    /// Orders accepted while nothing consumes them
    Post,
    /// Orders taken while inventory is away, and this backlog worked off
    Drain,
    /// One order at a time
    Single,
    /// Its yardstick: the same without group commit, one statement a request
    Ungrouped,
    /// A plain handler with one statement a request and nothing behind it, one at a time
    Y1h,
    /// From POST to the end at 100 and 300 orders a second
    Latency,
    /// Products looked at
    Browse,
    /// Orders beside few and beside many stored ones
    Stored,
    /// Yardstick Y4: redis-benchmark XADD, fdatasync
    Y4,
}

impl Measure {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
