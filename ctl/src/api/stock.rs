use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read};
use super::error::ApiError;
use super::list::Listed;

/// The stock after an adjustment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stock {
    pub sku: String,
    pub delta: i64,
    /// On hand.
    pub stock: i64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// An entry of the stock ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Movement {
    pub at: Timestamp,
    pub delta: i64,
    /// On hand after the entry.
    pub balance: i64,
    pub reason: String,
    pub order_id: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Adds pieces, or takes them with a negative `delta`, once for each key.
    ///
    /// # Errors
    /// `insufficient-stock` when fewer are there.
    pub async fn adjust_stock(
        &self,
        sku: &str,
        delta: i64,
        reason: &str,
        key: &str,
    ) -> Result<Stock, ApiError> {
        let path = format!("/products/{sku}/stock");
        let request = self.request(Method::POST, &self.endpoints().inventory, &path);
        read(request.header("Idempotency-Key", key).json(&json!({"delta": delta, "reason": reason}))).await
    }

    /// Lists the ledger of a product, newest entry first, as ADMIN.
    pub async fn movements(&self, sku: &str, limit: usize) -> Result<Listed<Movement>, ApiError> {
        self.list(&self.endpoints().inventory, &format!("/products/{sku}/movements"), &[], limit).await
    }
}
