//! Requests that wait for an order: `?wait=N` and `Prefer: wait=N`.

use std::time::Duration;

use actix_web::http::StatusCode;
use runtime::{
    http::Problem,
    limits::{Policy, Share},
};
use uuid::Uuid;

use super::Addresses;

/// A wait may end at any time.
const PAUSE: Duration = Duration::from_secs(1);

/// One of the waits of this instance and of a user; held until the answer.
pub(super) struct Place {
    _of_instance: Share<()>,
    _of_user: Share<Uuid>,
}

pub(super) fn place(addresses: &Addresses, user: Uuid) -> Result<Place, Problem> {
    let of_user = addresses.waits_by_user.take(user).ok_or_else(|| {
        let detail =
            "This user waits for too many answers at once. Let one of them end, or ask without wait.";
        let quota = u32::try_from(addresses.waits_by_user.most()).unwrap_or(u32::MAX);
        let policy = Policy { name: "waits", quota, window: PAUSE };
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
            .retry_after(PAUSE)
            .limited_by(policy)
    })?;
    let of_instance = addresses.waits.take(()).ok_or_else(|| {
        let detail = "Too many requests wait for an answer, and this one did nothing. Ask without wait.";
        Problem::unavailable("overloaded", detail)
    })?;
    Ok(Place { _of_instance: of_instance, _of_user: of_user })
}
