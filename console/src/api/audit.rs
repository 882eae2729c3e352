use serde::Deserialize;

use super::{Call, Page, ROWS, Service};
use crate::text::Moment;

/// A record of the audit trail: actor, act, subject, address, time and outcome.
#[derive(Debug, Clone, Deserialize)]
pub struct Act {
    pub at: Moment,
    pub actor: Option<String>,
    pub role: Option<String>,
    pub address: Option<String>,
    /// Method and route, or a command.
    pub action: String,
    pub subject: Option<String>,
    /// `done`, `refused`, `failed` or `unknown`.
    pub outcome: String,
    pub code: Option<String>,
    pub request_id: String,
}

/// Newest first.
pub fn list(service: Service, actor: &str, subject: &str, cursor: &str) -> Call<Page<Act>> {
    let call = Call::get(service, ["ops", "audit"]).query("limit", ROWS).query("cursor", cursor);
    call.query("actor", actor).query("subject", subject)
}
