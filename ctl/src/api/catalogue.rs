use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Api;
use super::error::ApiError;
use super::orders::Money;

#[derive(Debug, Clone, Serialize)]
pub struct NewProduct<'a> {
    pub sku: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    /// For one piece.
    pub price: Money,
    pub stock: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Product {
    pub sku: String,
    pub name: String,
    /// For one piece.
    pub price: Money,
    pub available: i64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Creates a product, as ADMIN.
    ///
    /// # Errors
    /// `sku-taken` for an existing product.
    pub async fn create_product(&self, product: &NewProduct<'_>) -> Result<Product, ApiError> {
        self.post(&self.endpoints().inventory, "/products", product).await
    }

    pub async fn product(&self, sku: &str) -> Result<Product, ApiError> {
        self.get(&self.endpoints().inventory, &format!("/products/{sku}")).await
    }
}
