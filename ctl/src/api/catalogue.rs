use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Api;
use super::error::ApiError;
use super::orders::Money;

/// A product to create.
#[derive(Debug, Clone, Serialize)]
pub struct NewProduct<'a> {
    /// The key of the product.
    pub sku: &'a str,
    /// The name.
    pub name: &'a str,
    /// The description.
    pub description: &'a str,
    /// The price of one piece.
    pub price: Money,
    /// The pieces in stock.
    pub stock: u32,
}

/// A product of `inventory`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Product {
    /// The key of the product.
    pub sku: String,
    /// The name.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
    /// The pieces available for sale.
    pub available: i64,
    /// Fields unknown to this version of `shopctl`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Creates a product. Needs the role ADMIN.
    ///
    /// # Errors
    /// [`ApiError`]; `sku-taken` for an existing product.
    pub async fn create_product(&self, product: &NewProduct<'_>) -> Result<Product, ApiError> {
        self.post(&self.endpoints().inventory, "/products", product).await
    }

    /// Reads a product.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn product(&self, sku: &str) -> Result<Product, ApiError> {
        self.get(&self.endpoints().inventory, &format!("/products/{sku}")).await
    }
}
