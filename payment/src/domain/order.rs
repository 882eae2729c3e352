//! Orders and their transitions.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Money, OrderStatus, PaymentMethod, Product, ResponseKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: Uuid,
    pub user_id: Uuid,
    pub status: OrderStatus,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    pub payment: Payment,
    /// The reason of the decline or refund.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    /// Time of the charge or the decline.
    pub settled_at: Option<Timestamp>,
    /// Time of the confirmation or the refund.
    pub ended_at: Option<Timestamp>,
    /// W3C trace context and `X-Request-Id` of the placing request.
    pub traceparent: String,
    pub request_id: String,
    /// The recorded kind of response; `None` while the request that placed the order waits.
    pub response: Option<ResponseKind>,
}

/// Priced when it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub sku: String,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
    pub line_total: Money,
}

impl OrderLine {
    /// `None` if the price overflows.
    pub fn of(product: &Product, quantity: u32) -> Option<Self> {
        let line_total = product.price.times(quantity)?;
        Some(Self {
            sku: product.sku.clone(),
            name: product.name.clone(),
            unit_price: product.price.clone(),
            quantity,
            line_total,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub method: PaymentMethod,
    pub charge_id: Option<String>,
    pub refund_id: Option<String>,
}

/// The fields of an order that its transitions set, after one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub status: OrderStatus,
    pub charge_id: Option<String>,
    pub refund_id: Option<String>,
    pub reason: Option<String>,
    pub settled_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The recorded kind of response to the request that placed the order.
    pub response: Option<ResponseKind>,
}

impl Progress {
    /// Time from the payment to the final state. Zero if the server's clock was set back between them.
    pub fn time_to_end(&self) -> Option<Duration> {
        let time = self.ended_at?.duration_since(self.settled_at);
        Some(Duration::try_from(time).unwrap_or_default())
    }
}

/// One transition of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Counts from 1, the creation.
    pub version: i32,
    pub status: OrderStatus,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub id: Uuid,
    pub user_id: Uuid,
    pub lines: Vec<OrderLine>,
    pub total: Money,
    pub method: PaymentMethod,
    pub traceparent: String,
    pub request_id: String,
    /// PostgreSQL's time of the insert.
    pub placed_at: Timestamp,
    pub response: Option<ResponseKind>,
}

impl From<NewOrder> for Order {
    fn from(new: NewOrder) -> Self {
        Self {
            id: new.id,
            user_id: new.user_id,
            status: OrderStatus::Pending,
            lines: new.lines,
            total: new.total,
            payment: Payment { method: new.method, charge_id: None, refund_id: None },
            reason: None,
            created_at: new.placed_at,
            settled_at: None,
            ended_at: None,
            traceparent: new.traceparent,
            request_id: new.request_id,
            response: new.response,
        }
    }
}

impl Order {
    /// A confirmed or refunded order passed through `completed`.
    pub fn timeline(&self) -> impl Iterator<Item = Transition> + use<> {
        let settled =
            if self.status == OrderStatus::Declined { OrderStatus::Declined } else { OrderStatus::Completed };
        let steps = [
            (OrderStatus::Pending, Some(self.created_at)),
            (settled, self.settled_at),
            (self.status, self.ended_at),
        ];
        let taken = steps.into_iter().filter_map(|(status, at)| Some((status, at?)));
        (1..).zip(taken).map(|(version, (status, at))| Transition { version, status, at })
    }

    /// Number of transitions, the creation included.
    #[must_use]
    pub fn version(&self) -> i32 {
        1 + i32::from(self.settled_at.is_some()) + i32::from(self.ended_at.is_some())
    }

    /// Sets the fields of `progress`.
    pub fn advance(&mut self, progress: &Progress) {
        let Progress { status, charge_id, refund_id, reason, settled_at, ended_at, response } =
            progress.clone();
        self.status = status;
        self.payment = Payment { method: self.payment.method, charge_id, refund_id };
        self.reason = reason;
        self.settled_at = Some(settled_at);
        self.ended_at = ended_at;
        self.response = response;
    }

    /// The time of the last transition.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.ended_at.or(self.settled_at).unwrap_or(self.created_at)
    }

    /// Whether the request that placed the order still waits for its end.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.response.is_none()
    }

    /// The content of a 202, also when it is replayed later.
    #[must_use]
    pub fn as_accepted(&self) -> Self {
        Self {
            status: OrderStatus::Pending,
            payment: Payment { method: self.payment.method, charge_id: None, refund_id: None },
            reason: None,
            settled_at: None,
            ended_at: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(status: OrderStatus, settled: Option<i64>, ended: Option<i64>) -> Order {
        let second = |second| Timestamp::from_second(second).expect("a time");
        let placed = NewOrder {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            lines: Vec::new(),
            total: Money::new(1, "EUR"),
            method: PaymentMethod::Ok,
            traceparent: String::new(),
            request_id: String::new(),
            placed_at: second(1),
            response: None,
        };
        Order { status, settled_at: settled.map(second), ended_at: ended.map(second), ..Order::from(placed) }
    }

    #[test]
    fn the_timeline_has_every_step_once_and_ends_where_the_order_is() {
        for (order, steps) in [
            (order(OrderStatus::Pending, None, None), vec![(1, OrderStatus::Pending, 1)]),
            (
                order(OrderStatus::Declined, Some(2), None),
                vec![(1, OrderStatus::Pending, 1), (2, OrderStatus::Declined, 2)],
            ),
            (
                order(OrderStatus::Refunded, Some(2), Some(3)),
                vec![
                    (1, OrderStatus::Pending, 1),
                    (2, OrderStatus::Completed, 2),
                    (3, OrderStatus::Refunded, 3),
                ],
            ),
        ] {
            let found: Vec<_> =
                order.timeline().map(|step| (step.version, step.status, step.at.as_second())).collect();
            assert_eq!(found, steps);
            assert_eq!(
                (order.version(), order.updated_at().as_second()),
                (steps.len() as i32, steps.len() as i64)
            );
        }
    }
}
