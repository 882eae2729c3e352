//! Lists: `?limit=&cursor=`, answered with `{data, has_more, next_cursor}`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{FieldError, Problem};

/// Fixed by the API contract.
const DEFAULT_LIMIT: u32 = 20;
const LARGEST_LIMIT: u32 = 100;

/// The parameters of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows to answer with.
    #[param(default = 20, minimum = 1, maximum = 100)]
    #[serde(default, deserialize_with = "super::number::<1, 100, _, _>")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The limit; 400 outside of 1 to 100.
    pub fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=LARGEST_LIMIT => Ok(limit as usize),
            other => Err(Problem::invalid(vec![FieldError::new(
                "limit",
                format!("must be a whole number from 1 to {LARGEST_LIMIT}, got `{other}`"),
            )])),
        }
    }

    /// The key after which the page starts, read by `parse`; 400 for a cursor of another list.
    pub fn after<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = decode_cursor(cursor).and_then(|key| parse(&key));
        key.map(Some)
            .ok_or_else(|| Problem::invalid(vec![FieldError::new("cursor", "is not a cursor of this list")]))
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Whether another page follows.
    pub has_more: bool,
    /// `cursor` of the next page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `limit + 1` found rows to a page; `key` gives a row's cursor.
    pub fn cut(mut found: Vec<T>, limit: usize, key: impl FnOnce(&T) -> String) -> Self {
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = if has_more { found.last().map(|last| encode_cursor(&key(last))) } else { None };
        Self { data: found, has_more, next_cursor }
    }

    /// Adds a cursor at `key`, the row at which the search stopped early.
    #[must_use]
    pub fn going_on_after(self, key: Option<&str>) -> Self {
        match key {
            Some(key) if !self.has_more => {
                Self { has_more: true, next_cursor: Some(encode_cursor(key)), ..self }
            }
            _ => self,
        }
    }
}

/// Encodes an opaque cursor.
pub fn encode_cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// Decodes a cursor.
pub fn decode_cursor(cursor: &str) -> Option<String> {
    URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}
