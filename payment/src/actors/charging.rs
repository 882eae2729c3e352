//! One charge: requested from the provider, then settled or parked.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use events::{Envelope, MoneyData, OrderCompleted, OrderedItem, Origin, TraceContext};
use opentelemetry::KeyValue;
use runtime::{
    db::DbError,
    failpoint,
    outbox::{OutboxEvent, Retention, TooLarge},
    telemetry::{Span, SpanKind, begin_span, record_span},
};
use uuid::Uuid;

use super::CashierParts;
use crate::{
    domain::{Money, Order, OrderLine, OrderStatus},
    provider::{ChargeRequest, ChargeResponse, ProviderError},
    store::{self, ChargeResult, ParkedCharge, Settlement},
};

/// Attempts to outlast a short disturbance, with a doubling pause. The order keeps its slot meanwhile.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Retry,
}

pub(super) async fn charge(parts: &CashierParts, order: &Order) {
    charge_traced(parts, order, Attempt::First).await;
}

pub(super) async fn retry_charge(parts: &CashierParts, order: &Order) {
    charge_traced(parts, order, Attempt::Retry).await;
}

async fn charge_traced(parts: &CashierParts, order: &Order, kind: Attempt) {
    let Some(trace) = begin_span(&order.traceparent) else {
        charge_in(TraceContext::resume(&order.traceparent), parts, order, kind).await;
        return;
    };
    let began = SystemTime::now();
    let settled = charge_in(trace.clone(), parts, order, kind).await;
    record_span(&trace, || {
        let mut attributes = vec![KeyValue::new("orderflow.order_id", order.id.to_string())];
        attributes.extend(settled.map(|outcome| KeyValue::new("orderflow.outcome", outcome)));
        let error = settled.is_none().then(|| "not-settled".into()); // the log says why
        Span {
            kind: SpanKind::Internal,
            name: "charge order".into(),
            began,
            ended: SystemTime::now(),
            attributes,
            error,
        }
    });
}

/// Returns the label of a settled charge.
async fn charge_in(
    trace: TraceContext,
    parts: &CashierParts,
    order: &Order,
    kind: Attempt,
) -> Option<&'static str> {
    failpoint::pass("provider.before-charge", "");
    let answer = match request_charge(parts, order, kind).await {
        Ok(answer) => answer,
        Err(error) => {
            park(parts, order, &error).await;
            return None;
        }
    };
    failpoint::pass("provider.after-charge", "");
    let (outcome, result) = match answer {
        ChargeResponse::Declined { reason } => ("declined", ChargeResult::Declined { reason }),
        ChargeResponse::Charged { charge_id } => {
            let unpublished = |error| tracing::error!(order = %order.id, %error, "a paid order has no event");
            let event = completed(order, &charge_id, trace).map_err(unpublished).ok()?;
            ("charged", ChargeResult::Charged { charge_id, event: Arc::new(event) })
        }
    };
    let retried = kind == Attempt::Retry;
    settle(parts, Settlement { order_id: order.id, result, retried, awaited: order.is_awaited() })
        .await
        .then_some(outcome)
}

/// False: the order is still pending and is charged again.
async fn settle(parts: &CashierParts, settlement: Settlement) -> bool {
    let order = settlement.order_id;
    let result = settlement.result.clone();
    match parts.settlements.commit(settlement).await {
        Ok(Some(progress)) => parts.notifier.notify(order, &progress),
        Ok(None) => {
            if let ChargeResult::Charged { charge_id, .. } = result
                && let Err(error) = handle_unmoved_charge(parts, order, &charge_id).await
            {
                tracing::error!(%order, charge_id, %error, "a charge moved no order, and the reason is unknown");
            }
        }
        Err(error) => {
            tracing::warn!(%order, %error, "the result of a charge is not recorded; the reconciler will retry it");
            return false;
        }
    }
    true
}

/// Refunds the charge of a declined order. Other charges were recorded before.
async fn handle_unmoved_charge(parts: &CashierParts, order_id: Uuid, charge_id: &str) -> Result<(), DbError> {
    let connection = parts.database.connection().await?;
    let Some(order) = store::find_order(&connection, order_id).await? else { return Ok(()) };
    if order.status == OrderStatus::Declined {
        tracing::error!(order = %order_id, charge_id, "a declined order was charged; the charge is refunded");
        metrics::counter!("orderflow_orphan_charges_total").increment(1);
        return store::park_orphan_refund(&connection, order_id).await;
    }
    if order.payment.charge_id.is_some_and(|known| known != charge_id) {
        tracing::error!(order = %order_id, charge_id, "the provider charged an order twice, under two ids");
    }
    Ok(())
}

/// Retries fast errors of a first charge. A timeout ends the attempts.
async fn request_charge(
    parts: &CashierParts,
    order: &Order,
    kind: Attempt,
) -> Result<ChargeResponse, ProviderError> {
    let attempts = if kind == Attempt::First { ATTEMPTS } else { 1 };
    let mut attempt = 1;
    let mut pause = PAUSE;
    loop {
        let request = ChargeRequest {
            order_id: order.id,
            amount: order.total.clone(),
            method: order.payment.method,
            awaited: order.is_awaited(),
        };
        let answer = tokio::time::timeout(parts.settings.timeout, parts.provider.charge(request)).await;
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(ProviderError::Refused(reason))) => return Ok(ChargeResponse::Declined { reason }),
            Ok(Err(error)) => error,
            Err(_) => ProviderError::TimedOut(parts.settings.timeout),
        };
        metrics::counter!("orderflow_provider_errors_total").increment(1);
        if attempt == attempts || matches!(error, ProviderError::TimedOut(_)) {
            return Err(error);
        }
        tracing::debug!(order = %order.id, attempt, %error, "retrying a charge");
        tokio::time::sleep(pause).await;
        (attempt, pause) = (attempt + 1, pause * 2);
    }
}

/// If parking fails, the order is still in `charges_due`, or the lease of its row expires.
async fn park(parts: &CashierParts, order: &Order, error: &ProviderError) {
    tracing::warn!(order = %order.id, %error, "the charge is parked and will be retried");
    let parked = ParkedCharge { order_id: order.id, error: error.to_string() };
    if let Err(error) = parts.parked_charges.commit(parked).await {
        tracing::debug!(order = %order.id, %error, "a charge was not parked");
    }
}

pub(super) fn completed(
    order: &Order,
    charge_id: &str,
    trace: TraceContext,
) -> Result<OutboxEvent, TooLarge> {
    let money = |money: &Money| MoneyData { amount: money.amount, currency: money.currency.clone() };
    let item = |line: &OrderLine| OrderedItem {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: money(&line.unit_price),
    };
    let event = OrderCompleted {
        order_id: order.id,
        user_id: order.user_id,
        items: order.lines.iter().map(item).collect(),
        total: money(&order.total),
        charge_id: charge_id.to_owned(),
    };
    let origin = Origin { trace, request_id: Some(order.request_id.clone()) };
    let envelope = Envelope::new(&event, "payment", order.id.to_string(), origin);
    let envelope =
        Envelope { id: OrderCompleted::event_id(order.id), awaited: order.is_awaited(), ..envelope };
    OutboxEvent::new::<OrderCompleted>(envelope, Retention::UntilConfirmed)
}
