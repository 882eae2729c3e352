//! A simulated provider with its own books.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{FutureExt, future::BoxFuture};
use runtime::db::{Commits, Failure};
use uuid::Uuid;

use super::{ChargeRequest, ChargeResponse, PaymentProvider, ProviderError};
use crate::{
    domain::PaymentMethod,
    settings::ProviderSettings,
    store::{ChargeEntry, ChargeLedger, PROVIDER_REFUSES, RefundEntry, RefundLedger},
};

/// On an idle thread a sleep takes this much longer: the deadline and the wait of epoll are rounded up to
/// milliseconds.
const TIMER_EXCESS: Duration = Duration::from_millis(1);
/// About the first charge and two retries.
const FLAKY_FOR: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Simulator {
    charges: Commits<ChargeLedger>,
    refunds: Commits<RefundLedger>,
    settings: ProviderSettings,
}

impl Simulator {
    pub fn new(
        charges: Commits<ChargeLedger>,
        refunds: Commits<RefundLedger>,
        settings: ProviderSettings,
    ) -> Self {
        Self { charges, refunds, settings }
    }

    async fn wait_latency(&self) {
        let sleep = self.settings.latency.saturating_sub(TIMER_EXCESS);
        if !sleep.is_zero() {
            tokio::time::sleep(sleep).await;
        }
    }

    /// The commit of the books is part of the latency.
    async fn try_charge(&self, request: ChargeRequest) -> Result<ChargeResponse, ProviderError> {
        let (answer, ()) = tokio::join!(self.decide(request), self.wait_latency());
        answer
    }

    async fn decide(&self, request: ChargeRequest) -> Result<ChargeResponse, ProviderError> {
        match request.method {
            PaymentMethod::Declined => Ok(declined("declined")),
            PaymentMethod::InsufficientFunds => Ok(declined("insufficient-funds")),
            PaymentMethod::Flaky if is_still_flaky(request.order_id) && rand::random_bool(0.5) => {
                Err(ProviderError::Unavailable("simulated failure (tok_flaky)".to_owned()))
            }
            PaymentMethod::Ok | PaymentMethod::Timeout | PaymentMethod::Flaky => self.book(request).await,
        }
    }

    async fn book(&self, request: ChargeRequest) -> Result<ChargeResponse, ProviderError> {
        let proposed = format!("ch_{}", Uuid::now_v7().simple());
        let entry = ChargeEntry {
            order_id: request.order_id,
            charge_id: proposed.clone(),
            amount: request.amount.amount,
            currency: request.amount.currency,
            method: request.method.as_str(),
            awaited: request.awaited,
        };
        let charge_id = self.charges.commit(entry).await.map_err(failure)?;
        if request.method == PaymentMethod::Timeout && charge_id == proposed {
            // The first response comes after the timeout, a repeated one at once.
            tokio::time::sleep(self.settings.timeout + Duration::from_secs(1)).await;
        }
        Ok(ChargeResponse::Charged { charge_id })
    }

    async fn try_refund(&self, order_id: Uuid) -> Result<String, ProviderError> {
        let entry = RefundEntry { order_id, refund_id: format!("re_{}", Uuid::now_v7().simple()) };
        let (booked, ()) = tokio::join!(self.refunds.commit(entry), self.wait_latency());
        booked.map_err(failure)?.ok_or(ProviderError::NeverCharged(order_id))
    }
}

impl PaymentProvider for Simulator {
    fn charge(&self, request: ChargeRequest) -> BoxFuture<'_, Result<ChargeResponse, ProviderError>> {
        self.try_charge(request).boxed()
    }

    fn refund(&self, order_id: Uuid) -> BoxFuture<'_, Result<String, ProviderError>> {
        self.try_refund(order_id).boxed()
    }
}

/// Without this bound, one order in 500 failed nine times in a row.
fn is_still_flaky(order_id: Uuid) -> bool {
    let (seconds, nanoseconds) = order_id.get_timestamp().map_or((0, 0), |placed| placed.to_unix());
    let placed = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    // The clock of the id may be ahead.
    let age = SystemTime::now().duration_since(placed).unwrap_or_else(|ahead| ahead.duration());
    age < FLAKY_FOR
}

fn declined(reason: &str) -> ChargeResponse {
    ChargeResponse::Declined { reason: reason.to_owned() }
}

/// Only this constraint refuses for good.
fn failure(error: Failure) -> ProviderError {
    match error {
        Failure::Refused(error) if error.violates(PROVIDER_REFUSES) => ProviderError::Refused(error.message),
        error => ProviderError::Unavailable(error.to_string()),
    }
}
