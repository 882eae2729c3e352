use std::time::{Duration, Instant};

use super::{Connection, Database, DbError, Fault};

/// Longer than a reconnect to a restarting server.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The attempts at one idempotent statement.
pub(super) struct Attempts {
    started: Instant,
    deadline: Duration,
    tried: u32,
    may_be_committed: bool,
}

impl Attempts {
    pub(super) fn new(started: Instant, deadline: Duration) -> Self {
        Self { started, deadline, tried: 0, may_be_committed: false }
    }

    /// Pauses and returns true if the statement is to run again: until the deadline while it may have been
    /// committed, and `tries` times in all after a rollback.
    pub(super) async fn again(&mut self, error: &DbError, tries: u32) -> bool {
        self.tried += 1;
        self.may_be_committed |= error.fault == Fault::Lost;
        let again = match error.fault {
            Fault::Lost => true,
            Fault::Unreachable => self.may_be_committed,
            Fault::Contention | Fault::Unfit => self.tried < tries,
            Fault::Constraint(_) | Fault::Refused => false,
        };
        let again = again && self.started.elapsed() < self.deadline;
        if again {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        again
    }
}

impl Database {
    /// Runs an idempotent statement until its outcome is known, for at most `deadline`. Fails at once if the
    /// first attempt finds no connection.
    ///
    /// # Errors
    /// The last error: after [`Fault::Lost`] the statement may have been committed.
    pub async fn until_known<T>(
        &self,
        deadline: Duration,
        statement: impl AsyncFn(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut attempts = Attempts::new(Instant::now(), deadline);
        loop {
            let attempt = async { statement(&self.connection().await?).await };
            match attempt.await {
                Err(error) if attempts.again(&error, u32::MAX).await => {}
                outcome => return outcome,
            }
        }
    }
}
