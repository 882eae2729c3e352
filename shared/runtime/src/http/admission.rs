use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// Bounds the requests in progress and their time.
#[derive(Debug, Clone)]
pub struct Admission {
    pub(super) places: Arc<Semaphore>,
    pub(super) deadline: Duration,
    pub(super) service: &'static str,
    /// In bytes.
    pub(super) head_limit: usize,
}

impl Admission {
    /// Admits `limit` requests at a time, each for `deadline`.
    pub fn new(service: &'static str, limit: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), deadline, service, head_limit: usize::MAX }
    }

    /// Refuses heads of more than `head_limit` bytes.
    #[must_use]
    pub fn with_head_limit(self, head_limit: usize) -> Self {
        Self { head_limit, ..self }
    }
}
