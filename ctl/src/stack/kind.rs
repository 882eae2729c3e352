use std::fmt;

/// In starting order: each depends only on those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The only signer of tokens.
    User,
    /// Products and stock.
    Inventory,
    /// Orders and money.
    Payment,
}

/// 8000 and 9100, as the services' defaults.
const METRICS_ABOVE: u16 = 1100;

impl Kind {
    /// In starting order.
    pub const ALL: [Self; 3] = [Self::User, Self::Inventory, Self::Payment];

    /// Name of the service, its crate and its binary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
        }
    }

    /// Documented default.
    #[must_use]
    pub fn http_port(self) -> u16 {
        match self {
            Self::User => 8002,
            Self::Inventory => 8000,
            Self::Payment => 8001,
        }
    }

    /// Documented default.
    #[must_use]
    pub fn metrics_port(self) -> u16 {
        self.http_port() + METRICS_ABOVE
    }

    /// For another port of the service; `None` where ports end.
    #[must_use]
    pub fn metrics_port_beside(http_port: u16) -> Option<u16> {
        http_port.checked_add(METRICS_ABOVE)
    }

    /// Milliseconds until the allocator returns memory, as in the containers: `user` at once after a hash,
    /// others keep it for the next batch.
    pub(super) fn purge_delay(self) -> u8 {
        if self == Self::User { 0 } else { 10 }
    }

    #[must_use]
    pub fn database(self) -> String {
        format!("orderflow_{}", self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Displayed as `payment`, `payment-2`, `payment-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    pub kind: Kind,
    /// From 1.
    pub instance: usize,
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            1 => f.pad(self.kind.name()),
            n => f.pad(&format!("{}-{n}", self.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_instance_carries_a_number() {
        let named = |instance| ServiceId { kind: Kind::Payment, instance }.to_string();
        assert_eq!((named(1), named(2)), ("payment".to_owned(), "payment-2".to_owned()));
    }
}
