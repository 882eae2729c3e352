//! The payment provider: somebody else's system, idempotent by order id.

mod simulator;

use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use simulator::Simulator;

use crate::domain::{Money, PaymentMethod};

/// What is to be charged.
#[derive(Debug, Clone)]
pub struct ChargeRequest {
    /// Also the idempotency key: asking twice charges once.
    pub order_id: Uuid,
    pub amount: Money,
    pub method: PaymentMethod,
}

/// The provider's answer to a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeResponse {
    Charged {
        charge_id: String,
    },
    /// Final. The reason stands on the order.
    Declined {
        reason: String,
    },
}

/// The provider did not do, or did not say, what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It may have happened: ask again.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
    /// The same, and it took long to find out.
    #[error("the payment provider gave no answer within {0:?}")]
    TimedOut(Duration),
    /// Final. Nothing happened.
    #[error("the payment provider refused it: {0}")]
    Refused(String),
    #[error("the payment provider knows no charge for order {0}")]
    NeverCharged(Uuid),
}

impl ProviderError {
    /// Whether asking again cannot help.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NeverCharged(_))
    }
}

/// A payment provider.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Charges an order, once however often it is asked.
    fn charge(&self, request: ChargeRequest) -> BoxFuture<'_, Result<ChargeResponse, ProviderError>>;

    /// Gives back the whole charge of an order, once however often it is asked; the refund's id.
    fn refund(&self, order_id: Uuid) -> BoxFuture<'_, Result<String, ProviderError>>;
}
