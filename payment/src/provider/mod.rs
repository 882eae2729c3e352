//! The payment provider: an external system, idempotent by order id.

mod simulator;

use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use simulator::Simulator;

use crate::domain::{Money, PaymentMethod};

#[derive(Debug, Clone)]
pub struct ChargeRequest {
    /// Also the idempotency key.
    pub order_id: Uuid,
    pub amount: Money,
    pub method: PaymentMethod,
    /// A customer waits for the end of the order.
    pub awaited: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeResponse {
    Charged {
        charge_id: String,
    },
    /// Final.
    Declined {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The charge or refund may have happened.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
    /// As [`Unavailable`](Self::Unavailable).
    #[error("the payment provider did not answer within {0:?}")]
    TimedOut(Duration),
    /// Final, without effect.
    #[error("the payment provider refused: {0}")]
    Refused(String),
    #[error("the payment provider has no charge for order {0}")]
    NeverCharged(Uuid),
}

impl ProviderError {
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NeverCharged(_))
    }
}

pub trait PaymentProvider: Send + Sync + 'static {
    /// Repeated requests charge once.
    fn charge(&self, request: ChargeRequest) -> BoxFuture<'_, Result<ChargeResponse, ProviderError>>;

    /// Refunds the whole charge and returns the id of the refund. Repeated requests refund once.
    fn refund(&self, order_id: Uuid) -> BoxFuture<'_, Result<String, ProviderError>>;
}
