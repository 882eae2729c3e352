use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Api;
use super::error::ApiError;
use crate::stack::Kind;

/// A record of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub id: String,
    pub at: Timestamp,
    pub actor: Option<String>,
    pub role: Option<String>,
    pub session: Option<String>,
    pub address: Option<String>,
    /// Method and route, or a command.
    pub action: String,
    pub subject: Option<String>,
    /// `done`, `refused`, `failed` or `unknown`.
    pub outcome: String,
    /// Of HTTP; 0 for a command.
    pub status: u16,
    pub code: Option<String>,
    pub request_id: String,
    pub details: Value,
}

impl Api {
    /// Lists at most `limit` records, newest first, as ADMIN. `filter` holds parameters of `GET /ops/audit`.
    pub async fn audit(
        &self,
        of: Kind,
        filter: &[(&str, String)],
        limit: usize,
    ) -> Result<Vec<AuditRecord>, ApiError> {
        Ok(self.list(self.service(of), "/ops/audit", filter, limit).await?.data)
    }
}
