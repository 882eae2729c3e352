use std::time::Duration;

use actix_web::{rt::time::sleep, web::Data};

use crate::{
    session::{CallError, Caller},
    site::Site,
};

/// Between two looks while nobody watches.
const EVERY: Duration = Duration::from_secs(10);

/// Looks at the services with the login of any ADMIN, so that the hour on the map has no holes.
pub async fn sample(site: Data<Site>) {
    loop {
        sleep(EVERY).await;
        while let Some((cookie, session)) = site.sessions.any_admin() {
            let caller = Caller { api: site.api.clone(), session, forwarded_for: String::new() };
            match site.live.look(&caller).await {
                Err(CallError::SessionEnded) => site.sessions.end(&cookie),
                Ok(_) | Err(CallError::Api(_)) => break,
            }
        }
    }
}
