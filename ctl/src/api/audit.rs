use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, read};
use super::error::ApiError;
use crate::stack::Kind;

/// The largest page of a list.
const LARGEST_PAGE: usize = 100;

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

#[derive(Deserialize)]
struct Page {
    data: Vec<AuditRecord>,
    next_cursor: Option<String>,
}

impl Api {
    /// Lists at most `limit` records, newest first, as ADMIN. `filter` holds parameters of `GET /ops/audit`.
    pub async fn audit(
        &self,
        of: Kind,
        filter: &[(&str, String)],
        limit: usize,
    ) -> Result<Vec<AuditRecord>, ApiError> {
        let mut records = Vec::new();
        let mut cursor = None;
        while records.len() < limit {
            let page_size = (limit - records.len()).min(LARGEST_PAGE).to_string();
            let mut query = filter.to_vec();
            query.push(("limit", page_size));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            let path = format!("/ops/audit?{query}");
            let page: Page = read(self.request(Method::GET, self.service(of), &path)).await?;
            records.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(records)
    }
}
