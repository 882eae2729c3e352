//! A request for an order, and what can become of it.

use std::sync::Arc;

use uuid::Uuid;

use super::{Cart, IdempotencyKey, Order, OrderStatus, PaymentMethod, PricingError, ResponseKind};

/// A request for an order.
#[derive(Debug, Clone)]
pub struct OrderRequest {
    pub order_id: Uuid,
    pub user_id: Uuid,
    pub key: IdempotencyKey,
    /// SHA-256 of what was asked: the same key with another body is refused.
    pub request_hash: Vec<u8>,
    pub cart: Cart,
    pub method: PaymentMethod,
    pub traceparent: String,
    pub request_id: String,
    /// How it will be answered, if that is certain already.
    pub response: Option<ResponseKind>,
}

/// What became of a request for an order.
#[derive(Debug, Clone)]
pub enum Placed {
    /// It is in the database.
    Created(Arc<Order>),
    /// An order with this key was there: this one, with the answer that was given.
    Replayed(Arc<Order>, Option<ResponseKind>),
    /// An order with this key was there, for another request.
    KeyReused,
    /// The cart has no price; nothing was stored.
    NotPriced(PricingError),
}

/// Which orders a list shows.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub user_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    /// Only orders placed before this one.
    pub before: Option<Uuid>,
}
