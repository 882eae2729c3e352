//! `?wait=N` and `Prefer: wait=N`.

use std::time::Duration;

use actix_web::http::StatusCode;
use runtime::{
    http::{FieldError, Problem},
    limits::Share,
};
use uuid::Uuid;

use super::Addresses;

/// One of the waits of a user; held until the answer.
pub(super) fn share(addresses: &Addresses, user: Uuid) -> Result<Share<Uuid>, Problem> {
    addresses.waits_by_user.take(user).ok_or_else(|| {
        let detail =
            "This user waits for too many answers at once. Let one of them end, or ask without wait.";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
            .retry_after(Duration::from_secs(1))
    })
}

/// Seconds; the contract's number.
const LONGEST: u64 = 30;
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
