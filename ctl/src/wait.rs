//! Waits with a deadline, and an error that names the condition.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Time between two checks of a condition.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A condition did not come true within its deadline.
#[derive(Debug, thiserror::Error)]
#[error("not within {within:?}: {what}")]
pub struct WaitError {
    /// The condition, and the state that was found instead.
    pub what: String,
    /// The limit.
    pub within: Duration,
}

/// A wait for use in a loop.
pub struct Wait {
    what: String,
    within: Duration,
    deadline: Instant,
}

impl Wait {
    /// Starts the wait.
    pub fn begin(what: impl Into<String>, within: Duration) -> Self {
        Self { what: what.into(), within, deadline: Instant::now() + within }
    }

    /// Pauses before the next check. `seen` is the state found instead, for the error.
    ///
    /// # Errors
    /// [`WaitError`] after the deadline.
    pub async fn again(&self, seen: impl Display) -> Result<(), WaitError> {
        if Instant::now() >= self.deadline {
            return Err(WaitError { what: format!("{} ({seen})", self.what), within: self.within });
        }
        sleep(POLL_EVERY).await;
        Ok(())
    }
}

/// Calls `look` until it returns `Ok`. The error of the last call goes into the error of the wait.
///
/// # Errors
/// [`WaitError`].
pub async fn until<T, D: Display>(
    what: impl Into<String>,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, D>,
) -> Result<T, WaitError> {
    let wait = Wait::begin(what, within);
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(seen) => wait.again(seen).await?,
        }
    }
}
