use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Semaphore;
use uuid::Uuid;

use super::assortment::Assortment;
use super::customers::{Accounts, Customer};
use super::instances::Instances;
use super::plan::LoadPlan;
use super::quota::Quota;
use super::stats::LoadStats;
use crate::client_log::ClientLog;

/// Shared by all orders of a load.
#[derive(Debug)]
pub(super) struct Inner {
    pub plan: LoadPlan,
    pub http: reqwest::Client,
    pub payment: Instances,
    pub accounts: Accounts,
    pub customers: Vec<Arc<Customer>>,
    pub stock: Assortment,
    pub log: ClientLog,
    pub stats: Arc<LoadStats>,
    pub quota: Arc<Quota>,
    pub polls: Semaphore,
    pub stuck: Mutex<Vec<Uuid>>,
    pub log_failure: OnceLock<String>,
}

impl Inner {
    pub fn stuck(&self, id: Uuid) {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }
}
