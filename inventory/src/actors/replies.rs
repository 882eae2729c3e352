//! The replies to `order_completed`: `stock_reserved` and `refund_order`.

use std::sync::Arc;

use events::{Envelope, Event, RefundOrder, RefundReason, ReservedItem, ShortItem, StockReserved};
use runtime::inbox::StoredReply;

use super::PaidOrder;
use crate::{
    SERVICE,
    domain::{Decision, Order, Refusal, ShortLine},
    store::{DecidedOrder, Reply},
};

pub(super) fn decided_order(paid: &PaidOrder, decision: &Decision) -> DecidedOrder {
    let order = &paid.order;
    let (taken, reply) = match decision {
        Decision::Reserve => (order.lines.clone(), reserved(&paid.envelope, order)),
        Decision::Refuse { refusal, short } => (Vec::new(), refund(&paid.envelope, order, *refusal, short)),
    };
    DecidedOrder { event_id: paid.event_id(), order_id: order.id, taken, reply: Arc::new(reply) }
}

/// The labels of `orderflow_reservations_total`.
pub const DECISIONS: [&str; 3] =
    ["reserved", RefundReason::InsufficientStock.as_str(), RefundReason::UnknownProduct.as_str()];

pub(super) fn label(decision: &Decision) -> &'static str {
    match decision {
        Decision::Reserve => "reserved",
        Decision::Refuse { refusal, .. } => reason(*refusal).as_str(),
    }
}

/// Addresses a reply from the inbox to `cause`.
pub(super) fn stored_reply(reply: StoredReply, cause: &Envelope) -> Reply {
    let envelope = reply.to(cause, SERVICE);
    let stream =
        if envelope.kind == StockReserved::TYPE { StockReserved::STREAM } else { RefundOrder::STREAM };
    Reply { stream, envelope }
}

fn reason(refusal: Refusal) -> RefundReason {
    match refusal {
        Refusal::InsufficientStock => RefundReason::InsufficientStock,
        Refusal::UnknownProduct => RefundReason::UnknownProduct,
    }
}

fn reserved(cause: &Envelope, order: &Order) -> Reply {
    let items = order
        .lines
        .iter()
        .map(|line| ReservedItem { sku: line.sku.to_string(), quantity: line.quantity })
        .collect();
    reply(cause, &StockReserved { order_id: order.id, items })
}

fn refund(cause: &Envelope, order: &Order, refusal: Refusal, short: &[ShortLine]) -> Reply {
    let item = |short: &ShortLine| ShortItem {
        sku: short.line.sku.to_string(),
        wanted: short.line.quantity,
        available: short.available,
    };
    let items = short.iter().map(item).collect();
    reply(cause, &RefundOrder { order_id: order.id, reason: reason(refusal), items })
}

fn reply<E: Event>(cause: &Envelope, event: &E) -> Reply {
    Reply { stream: E::STREAM, envelope: cause.reply(event, SERVICE) }
}
