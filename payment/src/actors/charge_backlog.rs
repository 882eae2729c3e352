use std::sync::Arc;

use runtime::supervisor::{ChildStatus, Supervised};

use super::Cashier;

#[derive(Clone)]
pub struct ChargeBacklog {
    cashier: Arc<ChildStatus>,
    limit: i64,
}

impl ChargeBacklog {
    pub fn new(cashier: &Supervised<Cashier>, limit: u32) -> Self {
        Self { cashier: cashier.status_handle(), limit: i64::from(limit) }
    }

    pub fn is_full(&self) -> bool {
        self.cashier.queue_depth() >= self.limit
    }
}
