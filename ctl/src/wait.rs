//! Errors name the condition.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const POLL_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
#[error("not within {within:?}: {what}")]
pub struct WaitError {
    /// The condition, and the state found.
    pub what: String,
    pub within: Duration,
}

pub struct Wait {
    what: String,
    within: Duration,
    deadline: Instant,
}

impl Wait {
    pub fn begin(what: impl Into<String>, within: Duration) -> Self {
        Self { what: what.into(), within, deadline: Instant::now() + within }
    }

    /// `seen`: the state found.
    pub async fn again(&self, seen: impl Display) -> Result<(), WaitError> {
        if Instant::now() >= self.deadline {
            return Err(WaitError { what: format!("{} ({seen})", self.what), within: self.within });
        }
        sleep(POLL_EVERY).await;
        Ok(())
    }
}

/// Calls `look` until `Ok`. The error includes the last one of `look`.
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
