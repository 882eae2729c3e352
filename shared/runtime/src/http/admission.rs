use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// Bounds the requests in progress and their time.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(super) places: Arc<Semaphore>,
    pub(super) deadline: Duration,
    pub(super) service: &'static str,
}

impl Admission {
    /// Admits `limit` requests at a time, each for `deadline`.
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), deadline, service }
    }
}
