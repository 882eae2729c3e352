use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Cart, IdempotencyKey, Money, Order, OrderLine, OrderStatus, PaymentMethod, PricingError, Product,
    ResponseKind,
};

#[derive(Debug, Clone)]
pub struct OrderRequest {
    pub order_id: Uuid,
    pub user_id: Uuid,
    pub key: IdempotencyKey,
    /// SHA-256 of the requested order, to detect a reused key.
    pub request_hash: Vec<u8>,
    pub cart: Cart,
    /// The order is placed at this total only.
    pub expected_total: Option<Money>,
    pub method: PaymentMethod,
    pub traceparent: String,
    pub request_id: String,
    /// `None`: decided after the commit.
    pub response: Option<ResponseKind>,
}

impl OrderRequest {
    /// The lines at current prices, and their sum.
    pub fn price<'p>(
        &self,
        catalogue: impl Fn(&str) -> Option<&'p Product>,
    ) -> Result<(Vec<OrderLine>, Money), PricingError> {
        let (lines, total) = self.cart.price(catalogue)?;
        if self.expected_total.as_ref().is_some_and(|expected| *expected != total) {
            return Err(PricingError::PriceChanged { lines, total });
        }
        Ok((lines, total))
    }
}

#[derive(Debug, Clone)]
pub enum Placed {
    Created(Arc<Order>),
    /// The key's order, and the recorded kind of response.
    Replayed(Arc<Order>),
    KeyReused,
    /// The request is not stored.
    NotPriced(PricingError),
}

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub user_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    /// Only the order that this user placed under this key; counts with `user_id`.
    pub key: Option<IdempotencyKey>,
    /// Only orders with a line of this product.
    pub sku: Option<String>,
    /// Only orders created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only orders created before this time.
    pub created_to: Option<Timestamp>,
    /// Only orders placed before this one.
    pub before: Option<Uuid>,
}
