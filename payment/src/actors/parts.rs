use std::{sync::Arc, time::Duration};

use runtime::{
    db::{Commits, Database},
    stream::DeadLetters,
};

use super::{OrderNotifier, OrderThrottle};
use crate::{
    provider::PaymentProvider,
    settings::{ProviderSettings, ReconcilerSettings},
    store::{ApplyOutcomes, ParkCharges, ParkRefunds, SettleCharges},
};

#[derive(Clone)]
pub struct CashierParts {
    pub database: Database,
    pub provider: Arc<dyn PaymentProvider>,
    pub settlements: Commits<SettleCharges>,
    pub outcomes: Commits<ApplyOutcomes>,
    pub parked_charges: Commits<ParkCharges>,
    pub parked_refunds: Commits<ParkRefunds>,
    pub notifier: OrderNotifier,
    pub throttle: OrderThrottle,
    pub settings: ProviderSettings,
}

#[derive(Clone)]
pub struct ReconcilerParts {
    pub cashier: CashierParts,
    pub dead_letters: DeadLetters,
    /// The consumer group of the inbox rows.
    pub consumer: &'static str,
    pub resend_after: Duration,
    pub settings: ReconcilerSettings,
}

#[derive(Clone)]
pub struct OrderDeskParts {
    pub database: Database,
    pub outcomes: Commits<ApplyOutcomes>,
    pub notifier: OrderNotifier,
    pub throttle: OrderThrottle,
}
