use jiff::Timestamp;
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{
    LARGEST_AMOUNT, Money, Order, OrderLine, OrderStatus, PaymentMethod, Transition, is_currency,
};

runtime::schema_of_names! {
    /// `pending` -> `completed` (paid) -> `confirmed` or `refunded`; `pending` -> `declined`.
    pub StatusName as "OrderStatus" = OrderStatus::ALL.map(OrderStatus::as_str);

    /// A token of the simulated provider, which behaves by it. `tok_ok` is the default.
    pub PaymentMethodName as "PaymentMethod" = PaymentMethod::ALL.map(PaymentMethod::as_str);
}

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder)]
pub struct PlaceOrderBody {
    /// One per SKU.
    #[schema(min_items = 1, max_items = 50)]
    pub items: Vec<ItemBody>,
    #[schema(value_type = Option<PaymentMethodName>)]
    pub payment_method: Option<String>,
    /// The total that the customer agreed to. The order is placed at this total, or not at all (409
    /// `price-changed`).
    pub expected_total: Option<ExpectedTotal>,
}

/// Integer minor units and an ISO 4217 code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTotal {
    /// Minor units of the currency, such as cents.
    #[schema(example = 2598, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    #[serde(deserialize_with = "runtime::http::whole_number::<1, LARGEST_AMOUNT, _>")]
    pub amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl ExpectedTotal {
    /// `wrong` takes the pointer and the rule of each mistake.
    pub(super) fn parse(self, wrong: &mut impl FnMut(&str, String)) -> Money {
        if !(1..=LARGEST_AMOUNT).contains(&self.amount) {
            let rule = format!("must be a whole number from 1 to {LARGEST_AMOUNT}");
            wrong("/expected_total/amount", rule);
        }
        if !is_currency(&self.currency) {
            let rule = "must be an ISO 4217 code of three capital letters";
            wrong("/expected_total/currency", rule.to_owned());
        }
        Money::new(self.amount, self.currency)
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrderItem)]
pub struct ItemBody {
    #[schema(example = "DEMO-MUG", pattern = "^[A-Z0-9][A-Z0-9._-]{0,63}$")]
    pub sku: String,
    /// 1 to 1000.
    #[schema(example = 2, minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "runtime::http::whole_number::<1, 1000, _>")]
    pub quantity: i64,
}

/// Integer minor units and an ISO 4217 code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyView<'a> {
    /// Minor units of the currency, such as cents.
    #[schema(example = 1999, minimum = 1)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: &'a str,
}

impl<'a> From<&'a Money> for MoneyView<'a> {
    fn from(money: &'a Money) -> Self {
        Self { amount: money.amount, currency: &money.currency }
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView<'a> {
    id: Uuid,
    user_id: Uuid,
    #[schema(value_type = StatusName)]
    status: &'static str,
    items: Vec<ItemView<'a>>,
    total: MoneyView<'a>,
    payment: PaymentView<'a>,
    /// The reason of a refund (`insufficient-stock`, `unknown-product` or `rejected`), or that of a decline in
    /// the provider's words.
    #[schema(example = "insufficient-stock", nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Number of transitions so far.
    #[schema(minimum = 1, maximum = 3)]
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderItem)]
pub(super) struct ItemView<'a> {
    sku: &'a str,
    name: &'a str,
    unit_price: MoneyView<'a>,
    quantity: u32,
    line_total: MoneyView<'a>,
}

/// What the order would cost now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CurrentPrices<'a> {
    pub total: MoneyView<'a>,
    pub items: Vec<ItemView<'a>>,
}

/// The problem `price-changed`, with the total and the items at current prices.
#[derive(ToSchema)]
#[schema(as = PriceChanged)]
#[expect(dead_code, reason = "documents the members that the problem gets")]
pub struct PriceChangedView<'a> {
    #[serde(flatten)]
    problem: Problem,
    #[serde(flatten)]
    current: CurrentPrices<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentView<'a> {
    #[schema(value_type = PaymentMethodName)]
    method: &'static str,
    #[schema(required)]
    charge_id: Option<&'a str>,
    #[schema(required)]
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

/// All transitions of an order, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderTimeline)]
pub struct Timeline {
    pub data: Vec<TransitionView>,
    /// The trace of the request that placed the order. For readers of all orders.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c", pattern = "^[0-9a-f]{32}$", nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderTransition)]
pub struct TransitionView {
    /// 1 for the creation, then one more each time.
    version: i32,
    #[schema(value_type = StatusName)]
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

/// One Server-Sent Event.
#[derive(ToSchema)]
#[schema(as = OrderEvent)]
#[expect(dead_code, reason = "only described: the fields are lines of text")]
pub struct EventView {
    /// The version of the order.
    #[schema(example = "1", pattern = "^[0-9]+$")]
    id: Option<String>,
    #[schema(example = "transition")]
    event: Option<String>,
    /// A `Transition` as JSON.
    data: Option<String>,
    /// Milliseconds after which to come back; in the first event.
    #[schema(example = 1000)]
    retry: Option<u32>,
}
