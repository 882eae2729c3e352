use serde::{Deserialize, Serialize};
use std::fmt;

/// The status of an order.
///
/// ```text
/// pending ──charged──> completed ──stock taken──> confirmed
///    │                     └──────stock short──> refunded
///    └──refused──> declined
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    Pending,
    Completed,
    Confirmed,
    Refunded,
    Declined,
}

impl OrderStatus {
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Completed, Self::Confirmed, Self::Refunded, Self::Declined];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Confirmed => "confirmed",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refunded | Self::Declined)
    }

    /// A step of this service, or the type of an event.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Pending => "placed",
            Self::Completed => "charged",
            Self::Declined => "declined by the provider",
            Self::Confirmed => "shop.stock.reserved.v1",
            Self::Refunded => "shop.order.refund.v1",
        }
    }

    pub fn predecessor(self) -> Option<Self> {
        match self {
            Self::Pending => None,
            Self::Completed | Self::Declined => Some(Self::Pending),
            Self::Confirmed | Self::Refunded => Some(Self::Completed),
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_status_comes_before_nothing() {
        for status in OrderStatus::ALL {
            let is_left = OrderStatus::ALL.iter().any(|next| next.predecessor() == Some(status));
            assert_eq!(status.is_terminal(), !is_left, "{status}");
        }
    }
}
