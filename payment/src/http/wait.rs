//! Requests that wait for an order: `?wait=N` and `Prefer: wait=N`.

use std::time::Duration;

use actix_web::http::StatusCode;
use runtime::{http::Problem, limits::Share};
use uuid::Uuid;

use super::Addresses;

/// One of the waits of a user; held until the answer.
pub(super) fn place(addresses: &Addresses, user: Uuid) -> Result<Share<Uuid>, Problem> {
    addresses.waits_by_user.take(user).ok_or_else(|| {
        let detail =
            "This user waits for too many answers at once. Let one of them end, or ask without wait.";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
            .retry_after(Duration::from_secs(1))
    })
}
