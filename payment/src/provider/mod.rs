//! The payment provider: an external system, idempotent by order id.

mod simulator;

use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use simulator::Simulator;

use crate::domain::{Money, PaymentMethod};

/// A charge to make.
#[derive(Debug, Clone)]
pub struct ChargeRequest {
    /// Also the idempotency key: repeated requests charge once.
    pub order_id: Uuid,
    pub amount: Money,
    pub method: PaymentMethod,
}

/// The provider's response to a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeResponse {
    Charged {
        charge_id: String,
    },
    /// Final. The order keeps the reason.
    Declined {
        reason: String,
    },
}

/// The provider failed, or its result is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The charge or refund may have happened. Retry.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
    /// The same, after a long wait.
    #[error("the payment provider did not answer within {0:?}")]
    TimedOut(Duration),
    /// Final, without effect.
    #[error("the payment provider refused: {0}")]
    Refused(String),
    #[error("the payment provider has no charge for order {0}")]
    NeverCharged(Uuid),
}

impl ProviderError {
    /// Whether retries are useless.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NeverCharged(_))
    }
}

/// A payment provider.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Charges an order. Repeated requests charge once.
    fn charge(&self, request: ChargeRequest) -> BoxFuture<'_, Result<ChargeResponse, ProviderError>>;

    /// Refunds the whole charge of an order and returns the refund's id. Repeated requests refund once.
    fn refund(&self, order_id: Uuid) -> BoxFuture<'_, Result<String, ProviderError>>;
}
