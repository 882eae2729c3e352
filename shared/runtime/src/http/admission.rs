//! The bound on requests in progress.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// The bound on requests in progress, and the time limit of each.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(super) places: Arc<Semaphore>,
    pub(super) deadline: Duration,
    pub(super) service: &'static str,
}

impl Admission {
    /// Admits up to `limit` requests at a time, each for up to `deadline`.
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), deadline, service }
    }
}
