use std::{future::Future, pin::pin, time::Duration};

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};

use super::BrokerError;

pub(super) struct BatchesInFlight {
    batches: FuturesUnordered<LocalBoxFuture<'static, Result<(), BrokerError>>>,
    outcome: Result<(), BrokerError>,
}

impl Default for BatchesInFlight {
    fn default() -> Self {
        Self { batches: FuturesUnordered::new(), outcome: Ok(()) }
    }
}

impl BatchesInFlight {
    pub(super) fn add(&mut self, batch: impl Future<Output = Result<(), BrokerError>> + 'static) {
        self.batches.push(Box::pin(batch));
    }

    async fn end_one(&mut self) {
        if let Some(Err(error)) = self.batches.next().await {
            self.outcome = self.outcome().and(Err(error));
        }
    }

    /// Takes the first error so far.
    pub(super) fn outcome(&mut self) -> Result<(), BrokerError> {
        std::mem::replace(&mut self.outcome, Ok(()))
    }

    pub(super) async fn beside<T>(&mut self, read: impl Future<Output = T>) -> T {
        let mut read = pin!(read);
        loop {
            tokio::select! {
                answer = &mut read => return answer,
                () = self.end_one(), if !self.batches.is_empty() => {}
            }
        }
    }

    /// Waits up to `patience` for one batch; sleeps when none is in flight.
    pub(super) async fn end_one_within(&mut self, patience: Duration) -> Result<(), BrokerError> {
        match self.batches.is_empty() {
            true => tokio::time::sleep(patience).await,
            false => _ = tokio::time::timeout(patience, self.end_one()).await,
        }
        self.outcome()
    }

    pub(super) async fn end_all_within(&mut self, patience: Duration) -> Result<(), BrokerError> {
        let all = async {
            while !self.batches.is_empty() {
                self.end_one().await;
            }
        };
        _ = tokio::time::timeout(patience, all).await;
        self.outcome()
    }

    pub(super) async fn end_all(&mut self) -> Result<(), BrokerError> {
        while !self.batches.is_empty() {
            self.end_one().await;
        }
        self.outcome()
    }
}
