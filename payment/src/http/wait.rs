//! `?wait=N` and `Prefer: wait=N`.

use std::time::Duration;

use runtime::http::{FieldError, Problem};
use tokio::time::{Instant, timeout_at};

use super::{Addresses, errors::refusal};
use crate::{
    actors::{ShowOrder, Subscription},
    domain::{Order, ResponseKind},
};

/// Seconds; the contract's number.
const LONGEST: u64 = 30;
/// Time between two reads of an order that a request waits for: another instance may move it.
const READ_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until `arrived` holds for the order, the time is up, or the service ends. Returns the recorded kind
/// of response, if the last transition was handed over in memory.
pub(super) async fn until(
    addresses: &Addresses,
    subscription: &mut Subscription,
    order: &mut Order,
    arrived: impl Fn(&Order) -> bool,
    timeout: Duration,
) -> Result<Option<ResponseKind>, Problem> {
    let deadline = Instant::now() + timeout;
    let mut response = None;
    while !arrived(order) && Instant::now() < deadline && !addresses.shutdown.has_begun() {
        let next_read = deadline.min(Instant::now() + READ_INTERVAL);
        if let Ok(progress) = timeout_at(next_read, subscription.next()).await {
            order.advance(&progress);
            response = progress.response;
        } else if let Some(found) = addresses.orders.send(ShowOrder(order.id)).await?.map_err(refusal)? {
            *order = found;
            response = None;
        }
    }
    Ok(response)
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
