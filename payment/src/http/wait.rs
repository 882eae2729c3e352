//! `?wait=N` and `Prefer: wait=N`.

use std::time::Duration;

use runtime::{
    http::{FieldError, Problem},
    shutdown::Shutdown,
};
use tokio::time::{Instant, timeout_at};

use crate::{actors::Subscription, domain::Order};

/// Seconds; the contract's number.
const LONGEST: u64 = 30;
/// How soon a waiting request notices the end of the service.
const SHUTDOWN_CHECK: Duration = Duration::from_millis(500);

/// Waits until `arrived` holds for the order, the time is up, or the service ends.
pub(super) async fn until(
    shutdown: &Shutdown,
    subscription: &mut Subscription,
    order: &mut Order,
    arrived: impl Fn(&Order) -> bool,
    timeout: Duration,
) {
    let deadline = Instant::now() + timeout;
    while !arrived(order) && Instant::now() < deadline && !shutdown.has_begun() {
        let next_check = deadline.min(Instant::now() + SHUTDOWN_CHECK);
        if let Ok(progress) = timeout_at(next_check, subscription.next()).await {
            order.advance(&progress);
        }
    }
}

/// `pointer` and `subject` name the wait in the error.
pub(super) fn checked(seconds: u64, pointer: &str, subject: &str) -> Result<Duration, Problem> {
    if seconds > LONGEST {
        return Err(refused(pointer, subject, &seconds.to_string()));
    }
    Ok(Duration::from_secs(seconds))
}

pub(super) fn parsed(text: &str, pointer: &str, subject: &str) -> Result<Duration, Problem> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= LONGEST);
    seconds.map(Duration::from_secs).ok_or_else(|| refused(pointer, subject, &format!("`{text}`")))
}

fn refused(pointer: &str, subject: &str, found: &str) -> Problem {
    let rule = format!("{subject}must be 0 to {LONGEST} seconds, got {found}");
    Problem::invalid(vec![FieldError::new(pointer, rule)])
}
