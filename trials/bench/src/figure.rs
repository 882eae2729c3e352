use std::fmt;

/// A number of a measurement, described by [`Figure::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Confirmed,
    ConfirmedCpu,
    Accepted,
    Memory,
    HotConfirmed,
    HotConsumed,
    AcceptedAlone,
    Drained,
    SingleP50,
    End100P50,
    End100P99,
    End300P50,
    End300P99,
    Wait64,
    Wait64P50,
    Wait64P99,
    Wait64Cpu,
    Wait512,
    Wait512P50,
    Wait512P99,
    Wait512Cpu,
    TwoByOne,
    TwoByOneCpu,
    Browsed,
    AxumBrowsed,
    FewStored,
    ManyStored,
    LastByFirst,
    RedisLastByFirst,
    ServicesLastByFirst,
    Y1,
    Y1s,
    Y1sP50,
    UngroupedP50,
    Y2,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Mebibytes,
    /// Processor time.
    Microseconds,
    Ratio,
}

impl Figure {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "orders confirmed, 100 products",
            Self::ConfirmedCpu => "processor time of such an order",
            Self::Accepted => "orders accepted in the same run",
            Self::Memory => "memory of the three services under that load",
            Self::HotConfirmed => "orders confirmed, one product",
            Self::HotConsumed => "orders of one product consumed by inventory alone",
            Self::AcceptedAlone => "orders accepted, consumers stopped",
            Self::Drained => "orders worked off from a backlog",
            Self::SingleP50 => "POST /orders, one connection, p50",
            Self::End100P50 => "POST to the end at 100 orders/s, p50",
            Self::End100P99 => "POST to the end at 100 orders/s, p99",
            Self::End300P50 => "POST to the end at 300 orders/s, p50",
            Self::End300P99 => "POST to the end at 300 orders/s, p99",
            Self::Wait64 => "orders of 64 customers who wait",
            Self::Wait64P50 => "POST to the answer of 64 customers who wait, p50",
            Self::Wait64P99 => "POST to the answer of 64 customers who wait, p99",
            Self::Wait64Cpu => "processor time of an order of 64 customers who wait",
            Self::Wait512 => "orders of 512 customers who wait",
            Self::Wait512P50 => "POST to the answer of 512 customers who wait, p50",
            Self::Wait512P99 => "POST to the answer of 512 customers who wait, p99",
            Self::Wait512Cpu => "processor time of an order of 512 customers who wait",
            Self::TwoByOne => "orders confirmed, two instances / one",
            Self::TwoByOneCpu => "processor time of an order, two instances / one",
            Self::Browsed => "GET /products/{sku}",
            Self::AxumBrowsed => "GET /products/{sku} of axum, from memory",
            Self::FewStored => "orders confirmed beside few stored",
            Self::ManyStored => "orders confirmed beside many stored",
            Self::LastByFirst => "orders confirmed, minute 10 / minute 1",
            Self::RedisLastByFirst => "memory of Redis, minute 10 / minute 1",
            Self::ServicesLastByFirst => "memory of the three services, minute 10 / minute 1",
            Self::Y1 => "Y1: pgbench, one transaction an order",
            Self::Y1s => "Y1s: pgbench, one statement an order",
            Self::Y1sP50 => "Y1s with one client, p50",
            Self::UngroupedP50 => "POST /orders without group commit, one connection, p50",
            Self::Y2 => "Y2: pgbench, one unit of one product a transaction",
        }
    }

    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Memory => Unit::Mebibytes,
            Self::SingleP50
            | Self::End100P50
            | Self::End100P99
            | Self::End300P50
            | Self::End300P99
            | Self::Wait64P50
            | Self::Wait64P99
            | Self::Wait512P50
            | Self::Wait512P99
            | Self::Y1sP50
            | Self::UngroupedP50 => Unit::Milliseconds,
            Self::ConfirmedCpu | Self::Wait64Cpu | Self::Wait512Cpu => Unit::Microseconds,
            Self::TwoByOne
            | Self::TwoByOneCpu
            | Self::LastByFirst
            | Self::RedisLastByFirst
            | Self::ServicesLastByFirst => Unit::Ratio,
            _ => Unit::PerSecond,
        }
    }

    /// `4,812/s`, `1.35 ms`, `61 MiB`, `240 us`, `0.97`
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self.unit() {
            Unit::PerSecond => format!("{}/s", thousands(value)),
            Unit::Milliseconds => format!("{value:.2} ms"),
            Unit::Mebibytes => format!("{value:.0} MiB"),
            Unit::Microseconds => format!("{value:.0} us"),
            Unit::Ratio => format!("{value:.2}"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PerSecond => "1/s",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::Microseconds => "us",
            Self::Ratio => "ratio",
        })
    }
}

/// `12,345`
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_their_units() {
        assert_eq!(Figure::Confirmed.show(1_234_567.6), "1,234,568/s");
        assert_eq!(Figure::Confirmed.show(999.4), "999/s");
        assert_eq!(Figure::SingleP50.show(0.064), "0.06 ms");
        assert_eq!(Figure::Memory.show(61.3), "61 MiB");
        assert_eq!(Figure::Wait64Cpu.show(239.6), "240 us");
        assert_eq!(Figure::TwoByOne.show(0.974), "0.97");
    }
}
