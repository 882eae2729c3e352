//! Every wait has a deadline, and says what it waited for.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A condition did not come true within its deadline.
#[derive(Debug, thiserror::Error)]
#[error("waited {within:?} in vain: {what}")]
pub struct WaitError {
    /// The condition, and the state that was seen instead.
    pub what: String,
    /// The limit.
    pub within: Duration,
}

/// A wait in a loop of one's own.
pub struct Wait {
    what: String,
    within: Duration,
    deadline: Instant,
}

impl Wait {
    /// Begins now.
    pub fn begin(what: impl Into<String>, within: Duration) -> Self {
        Self { what: what.into(), within, deadline: Instant::now() + within }
    }

    /// Pauses before the next look. `seen` is what was there instead, for the error.
    ///
    /// # Errors
    /// [`WaitError`] when it has been long enough.
    pub async fn again(&self, seen: impl Display) -> Result<(), WaitError> {
        if Instant::now() >= self.deadline {
            return Err(WaitError { what: format!("{} ({seen})", self.what), within: self.within });
        }
        sleep(POLL_EVERY).await;
        Ok(())
    }
}

/// Looks until `look` finds it. What it saw instead goes into the error.
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
