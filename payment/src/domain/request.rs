//! A request for an order, and its results.

use std::sync::Arc;

use uuid::Uuid;

use super::{Cart, IdempotencyKey, Order, OrderStatus, PaymentMethod, PricingError, ResponseKind};

/// A request for an order.
#[derive(Debug, Clone)]
pub struct OrderRequest {
    pub order_id: Uuid,
    pub user_id: Uuid,
    pub key: IdempotencyKey,
    /// SHA-256 of the requested order. The same key with another one is refused.
    pub request_hash: Vec<u8>,
    pub cart: Cart,
    pub method: PaymentMethod,
    pub traceparent: String,
    pub request_id: String,
    /// The kind of response, if it is known before the commit.
    pub response: Option<ResponseKind>,
}

/// The result of a request for an order.
#[derive(Debug, Clone)]
pub enum Placed {
    /// A new order was inserted.
    Created(Arc<Order>),
    /// The key has this order, with the recorded kind of response.
    Replayed(Arc<Order>, Option<ResponseKind>),
    /// The key has an order from a different request.
    KeyReused,
    /// The cart has no price. The request is not stored.
    NotPriced(PricingError),
}

/// The orders that a list shows.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub user_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    /// Only orders placed before this one.
    pub before: Option<Uuid>,
}
