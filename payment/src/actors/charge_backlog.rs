use std::sync::Arc;

use runtime::supervisor::{ChildStatus, Supervised};

use super::Cashier;

/// The orders that are being charged or wait for their charge.
#[derive(Clone)]
pub struct ChargeBacklog {
    cashier: Arc<ChildStatus>,
    limit: i64,
}

impl ChargeBacklog {
    /// `limit`: backlog beyond which new orders are refused.
    pub fn new(cashier: &Supervised<Cashier>, limit: u32) -> Self {
        Self { cashier: cashier.status_handle(), limit: i64::from(limit) }
    }

    /// Whether new orders are refused.
    pub fn is_full(&self) -> bool {
        self.cashier.queue_depth() >= self.limit
    }
}
