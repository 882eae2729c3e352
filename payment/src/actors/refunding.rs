//! One refund: requested from the provider, then recorded or parked. Both process its event.
//!
//! ```text
//!   refund_order ──> request ── made ──────> refunded, inbox                                 Done
//!                       ├────── not now ───> refunds_due, inbox ──> reconciler ──> retry     Done
//!                       └────── refused for good ─> dead letter                              Poison
//! ```

use std::sync::Arc;

use events::{Envelope, Event, RefundOrder, TraceContext};
use futures_util::future::join_all;
use runtime::{db::DbError, failpoint, outbox::OutboxEvent};
use uuid::Uuid;

use super::{ApplyResult, CashierParts, DeskError, ReconcilerParts, charging::completed};
use crate::{
    domain::{Applied, OrderStatus},
    provider::ProviderError,
    store::{self, DueRefund, OrderOutcome, ParkedRefund, RefundState},
};

/// About 80 minutes with the backoff. The event then becomes a dead letter.
const ATTEMPTS: i32 = 24;

/// One `refund_order`.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    /// Caused by the answered `order_completed`.
    pub envelope: Arc<Envelope>,
    pub order_id: Uuid,
    pub reason: &'static str,
}

/// Refunds paid and undecided orders. The inbox answers late and repeated events.
pub(super) async fn refund_all(parts: &CashierParts, requests: Vec<RefundRequest>) -> Vec<ApplyResult> {
    let orders: Vec<Uuid> = requests.iter().map(|request| request.order_id).collect();
    let states = async { store::refund_states(&parts.database.connection().await?, &orders).await };
    let states = match states.await {
        Ok(states) => states,
        Err(error) => return requests.iter().map(|_| Err(error.clone().into())).collect(),
    };
    join_all(requests.into_iter().map(|request| {
        let state = states.get(&request.order_id).copied();
        async move {
            match state {
                Some(RefundState::Parked(event)) if event == request.envelope.id => Ok(Applied::Duplicate),
                Some(RefundState::Parked(_)) => park(parts, request, "parked for an earlier event").await,
                Some(RefundState::Unparked) => refund(parts, request, true).await,
                None => refund(parts, request, false).await,
            }
        }
    }))
    .await
}

/// An unrecorded refund is requested again and found in the provider's books.
async fn refund(parts: &CashierParts, request: RefundRequest, is_due: bool) -> ApplyResult {
    let refund_id = match is_due {
        false => None,
        true => match request_refund(parts, request.order_id).await {
            Ok(refund_id) => Some(refund_id),
            Err(error) if error.is_final() => return Err(refused(request.order_id, error.to_string())),
            Err(error) => return park(parts, request, &error.to_string()).await,
        },
    };
    let RefundRequest { envelope, order_id, reason } = request;
    let outcome = OrderOutcome {
        event_id: envelope.id,
        answers: envelope.causation_id,
        order_id,
        status: OrderStatus::Refunded,
        refund_id,
        reason: Some(reason.to_owned()),
        awaited: envelope.awaited,
    };
    let applied = parts.outcomes.commit(outcome).await?;
    if let Applied::Moved(progress) = &applied {
        parts.throttle.record_end(progress);
        parts.notifier.notify(order_id, progress);
    }
    Ok(applied)
}

async fn request_refund(parts: &CashierParts, order_id: Uuid) -> Result<String, ProviderError> {
    failpoint::pass("provider.before-refund", "");
    let answer = tokio::time::timeout(parts.settings.timeout, parts.provider.refund(order_id)).await;
    let answer = answer.unwrap_or(Err(ProviderError::TimedOut(parts.settings.timeout)));
    match &answer {
        Ok(_) => failpoint::pass("provider.after-refund", ""),
        Err(_) => metrics::counter!("orderflow_provider_errors_total").increment(1),
    }
    answer
}

async fn park(parts: &CashierParts, request: RefundRequest, error: &str) -> ApplyResult {
    let RefundRequest { envelope, order_id, reason } = request;
    tracing::warn!(order = %order_id, %error, "the refund is parked and will be retried");
    parts.parked_refunds.commit(ParkedRefund { order_id, envelope, reason, error: error.to_owned() }).await?;
    Ok(Applied::Parked)
}

fn refused(order_id: Uuid, why: String) -> DeskError {
    tracing::error!(order = %order_id, why, "a refund is refused for good; an operator must decide");
    metrics::counter!("orderflow_refunds_refused_total").increment(1);
    DeskError::RefusedByProvider(why)
}

pub(super) async fn retry_refund(parts: &ReconcilerParts, due: &DueRefund) {
    let result = match due.is_due() {
        false => settle(parts, due, None).await,
        true => match request_refund(&parts.cashier, due.order_id).await {
            Ok(refund_id) => settle(parts, due, Some(&refund_id)).await,
            Err(error) => postpone_or_give_up(parts, due, error).await,
        },
    };
    if let Err(error) = result {
        tracing::warn!(order = %due.order_id, %error, "the result of a refund is not recorded; it will be retried");
    }
}

async fn settle(parts: &ReconcilerParts, due: &DueRefund, refund_id: Option<&str>) -> Result<(), DbError> {
    let connection = parts.cashier.database.connection().await?;
    if let Some(progress) = store::settle_refund(&connection, due, refund_id).await? {
        parts.cashier.notifier.notify(due.order_id, &Arc::new(progress));
    }
    Ok(())
}

/// The refund of a declined order has no event for a dead letter, so it is retried until it is made.
async fn postpone_or_give_up(
    parts: &ReconcilerParts,
    due: &DueRefund,
    error: ProviderError,
) -> Result<(), DbError> {
    let why = match due.attempts {
        _ if error.is_final() => error.to_string(),
        ATTEMPTS.. => format!("gave up after {} attempts: {error}", due.attempts),
        _ => return postpone(parts, due, &error.to_string()).await,
    };
    match &due.envelope {
        Some(envelope) => make_dead_letter(parts, due, envelope, why).await,
        None => postpone(parts, due, &refused(due.order_id, why).to_string()).await,
    }
}

async fn postpone(parts: &ReconcilerParts, due: &DueRefund, error: &str) -> Result<(), DbError> {
    store::postpone_refund(&parts.cashier.database.connection().await?, due.order_id, error).await
}

/// The dead letter is written first. Repetitions add no second one.
async fn make_dead_letter(
    parts: &ReconcilerParts,
    due: &DueRefund,
    envelope: &Envelope,
    why: String,
) -> Result<(), DbError> {
    let why = refused(due.order_id, why).to_string();
    let buried =
        parts.dead_letters.bury_event(RefundOrder::STREAM, parts.consumer, envelope, "rejected", &why).await;
    if let Err(error) = buried {
        return postpone(parts, due, &error.to_string()).await;
    }
    let connection = parts.cashier.database.connection().await?;
    let order = store::find_order(&connection, due.order_id).await?;
    let question = order.and_then(|order| {
        let event =
            completed(&order, order.payment.charge_id.as_deref()?, TraceContext::resume(&order.traceparent))
                .ok()?;
        let id = envelope.causation_id.unwrap_or(event.envelope.id);
        Some(OutboxEvent { envelope: Envelope { id, ..event.envelope }, ..event })
    });
    store::give_up_refund(
        &connection,
        parts.consumer,
        (due.order_id, envelope.id),
        question.as_ref(),
        parts.resend_after,
    )
    .await
}
