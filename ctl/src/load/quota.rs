//! The caller of a metered load releases orders; the load takes one for each order.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

#[derive(Debug)]
pub struct Quota {
    orders: Semaphore,
    released: AtomicU64,
}

impl Quota {
    pub(super) fn new() -> Self {
        Self { orders: Semaphore::new(0), released: AtomicU64::new(0) }
    }

    /// At most 2^60 in all.
    pub fn release(&self, orders: u64) {
        self.released.fetch_add(orders, Ordering::Relaxed);
        self.orders.add_permits(usize::try_from(orders).unwrap_or(Semaphore::MAX_PERMITS));
    }

    #[must_use]
    pub fn released(&self) -> u64 {
        self.released.load(Ordering::Relaxed)
    }

    pub(super) fn try_take(&self) -> bool {
        self.orders.try_acquire().map(|one| one.forget()).is_ok()
    }

    pub(super) async fn take(&self) {
        // The semaphore is never closed.
        if let Ok(one) = self.orders.acquire().await {
            one.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn no_more_is_taken_than_was_released() {
        let quota = Quota::new();
        assert!(!quota.try_take() && quota.take().now_or_never().is_none());
        quota.release(2);
        quota.take().await;
        assert!(quota.try_take());
        assert!(!quota.try_take());
        assert_eq!(quota.released(), 2);
    }

    #[tokio::test]
    async fn whoever_waits_goes_on_when_more_is_released() {
        let quota = Quota::new();
        let mut waiting = Box::pin(quota.take());
        assert!((&mut waiting).now_or_never().is_none());
        quota.release(1);
        waiting.await;
    }
}
