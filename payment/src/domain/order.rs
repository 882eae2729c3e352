//! The order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Money, OrderStatus, PaymentMethod, Product};

/// An order as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: Uuid,
    pub user_id: Uuid,
    pub status: OrderStatus,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    pub payment: Payment,
    /// Why it was declined or refunded.
    pub reason: Option<String>,
    /// Number of transitions so far, the creation included.
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Every transition, in order.
    pub timeline: Vec<Transition>,
    /// W3C trace context of the request that placed it, and its `X-Request-Id`.
    pub traceparent: String,
    pub request_id: String,
}

/// A line with the price of the moment it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub sku: String,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
    pub line_total: Money,
}

impl OrderLine {
    /// `quantity` units of `product`, unless the price overflows.
    pub fn of(product: &Product, quantity: u32) -> Option<Self> {
        let line_total = product.price.times(quantity)?;
        Some(Self { sku: product.sku.clone(), name: product.name.clone(), unit_price: product.price.clone(), quantity, line_total })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub method: PaymentMethod,
    pub charge_id: Option<String>,
    pub refund_id: Option<String>,
}

/// One step of an order's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// 1 for the creation, then one more each time.
    pub version: i32,
    pub status: OrderStatus,
    pub at: Timestamp,
    /// What made it happen: `placed`, `charged`, an event type.
    pub cause: String,
}

/// What it takes to make an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub id: Uuid,
    pub user_id: Uuid,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    pub method: PaymentMethod,
    pub traceparent: String,
    pub request_id: String,
    /// In whole microseconds, as PostgreSQL keeps it: the first answer and every replay show the same.
    pub placed_at: Timestamp,
}

impl From<NewOrder> for Order {
    fn from(new: NewOrder) -> Self {
        let placed = Transition { version: 1, status: OrderStatus::Pending, at: new.placed_at, cause: "placed".to_owned() };
        Self {
            id: new.id,
            user_id: new.user_id,
            status: OrderStatus::Pending,
            lines: new.lines,
            total: new.total,
            payment: Payment { method: new.method, charge_id: None, refund_id: None },
            reason: None,
            version: 1,
            created_at: new.placed_at,
            updated_at: new.placed_at,
            timeline: vec![placed],
            traceparent: new.traceparent,
            request_id: new.request_id,
        }
    }
}

impl Order {
    /// The order as it was when it was accepted: what a 202 shows, however late it is replayed.
    #[must_use]
    pub fn as_accepted(&self) -> Self {
        Self::from(NewOrder {
            id: self.id,
            user_id: self.user_id,
            lines: self.lines.clone(),
            total: self.total.clone(),
            method: self.payment.method,
            traceparent: self.traceparent.clone(),
            request_id: self.request_id.clone(),
            placed_at: self.created_at,
        })
    }
}
