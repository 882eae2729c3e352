use std::sync::Arc;

use runtime::supervisor::{ChildStatus, Supervised};

use super::Cashier;

/// Orders that are being charged, or wait for it.
#[derive(Clone)]
pub struct ChargeBacklog {
    cashier: Arc<ChildStatus>,
    limit: i64,
}

impl ChargeBacklog {
    /// `limit`: orders waiting beyond which new ones are refused.
    pub fn new(cashier: &Supervised<Cashier>, limit: u32) -> Self {
        Self { cashier: cashier.status_handle(), limit: i64::from(limit) }
    }

    /// Whether new orders are to be refused.
    pub fn is_full(&self) -> bool {
        self.cashier.queue_depth() >= self.limit
    }
}
