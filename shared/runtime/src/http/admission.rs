//! The bound on requests in progress.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// How many requests are in progress at most.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(super) places: Arc<Semaphore>,
    pub(super) deadline: Duration,
    pub(super) service: &'static str,
}

impl Admission {
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), deadline, service }
    }
}
