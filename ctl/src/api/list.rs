use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::client::{Api, read};
use super::error::ApiError;

/// The most that a page may hold.
const LARGEST_PAGE: usize = 100;

/// The first rows of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed<T> {
    pub data: Vec<T>,
    /// Further rows are left out.
    pub has_more: bool,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

impl Api {
    /// Reads page after page, at most `limit` rows. `filter` holds query parameters.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        base: &str,
        path: &str,
        filter: &[(&str, String)],
        limit: usize,
    ) -> Result<Listed<T>, ApiError> {
        let mut data = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", (limit - data.len()).min(LARGEST_PAGE).to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            let page: Page<T> = read(self.request(Method::GET, base, &format!("{path}?{query}"))).await?;
            data.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() || data.len() >= limit {
                return Ok(Listed { data, has_more: cursor.is_some() });
            }
        }
    }
}
