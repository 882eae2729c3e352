use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// Bounds the requests in progress and their time.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(super) places: Arc<Semaphore>,
    pub(super) deadline: Duration,
    pub(super) service: &'static str,
    pub(super) rejected: metrics::Counter,
    /// In bytes.
    pub(super) head_limit: usize,
}

impl Admission {
    /// Admits `limit` requests at a time, each for `deadline`.
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        let rejected = metrics::counter!("orderflow_admission_rejected_total", "service" => service);
        let places = Arc::new(Semaphore::new(limit));
        Self { places, deadline, service, rejected, head_limit: usize::MAX }
    }

    /// Refuses heads of more than `head_limit` bytes.
    #[must_use]
    pub fn with_head_limit(self, head_limit: usize) -> Self {
        Self { head_limit, ..self }
    }
}
