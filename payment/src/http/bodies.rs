use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{Money, Order, OrderLine, Transition};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderBody {
    /// 1 to 50 items, one per SKU.
    pub items: Vec<ItemBody>,
    /// `tok_ok` (default), `tok_declined`, `tok_insufficient_funds`, `tok_timeout` or `tok_flaky`.
    #[schema(example = "tok_ok")]
    pub payment_method: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemBody {
    #[schema(example = "DEMO-MUG")]
    pub sku: String,
    /// 1 to 1000.
    #[schema(example = 2, minimum = 1, maximum = 1000)]
    pub quantity: u32,
}

/// Integer minor units and an ISO 4217 code.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyView<'a> {
    #[schema(example = 1999)]
    amount: i64,
    #[schema(example = "EUR")]
    currency: &'a str,
}

impl<'a> From<&'a Money> for MoneyView<'a> {
    fn from(money: &'a Money) -> Self {
        Self { amount: money.amount, currency: &money.currency }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView<'a> {
    id: Uuid,
    user_id: Uuid,
    /// `pending`, `completed`, `confirmed`, `refunded` or `declined`.
    #[schema(example = "confirmed")]
    status: &'static str,
    items: Vec<ItemView<'a>>,
    total: MoneyView<'a>,
    payment: PaymentView<'a>,
    /// The reason of the decline or refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Number of transitions so far.
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
struct ItemView<'a> {
    sku: &'a str,
    name: &'a str,
    unit_price: MoneyView<'a>,
    quantity: u32,
    line_total: MoneyView<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PaymentView<'a> {
    method: &'static str,
    charge_id: Option<&'a str>,
    refund_id: Option<&'a str>,
}

impl<'a> From<&'a OrderLine> for ItemView<'a> {
    fn from(line: &'a OrderLine) -> Self {
        let OrderLine { sku, name, unit_price, quantity, line_total } = line;
        Self { sku, name, unit_price: unit_price.into(), quantity: *quantity, line_total: line_total.into() }
    }
}

impl<'a> From<&'a Order> for OrderView<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            id: order.id,
            user_id: order.user_id,
            status: order.status.as_str(),
            items: order.lines.iter().map(ItemView::from).collect(),
            total: (&order.total).into(),
            payment: PaymentView {
                method: order.payment.method.as_str(),
                charge_id: order.payment.charge_id.as_deref(),
                refund_id: order.payment.refund_id.as_deref(),
            },
            reason: order.reason.as_deref(),
            version: order.version(),
            created_at: order.created_at,
            updated_at: order.updated_at(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    pub data: Vec<TransitionView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transition)]
pub struct TransitionView {
    /// 1 for the creation, then one more each time.
    version: i32,
    status: &'static str,
    at: Timestamp,
    /// The cause: `placed`, `charged`, `declined by the provider`, or the type of an event.
    cause: &'static str,
}

impl From<Transition> for TransitionView {
    fn from(transition: Transition) -> Self {
        Self {
            version: transition.version,
            status: transition.status.as_str(),
            at: transition.at,
            cause: transition.status.cause(),
        }
    }
}
