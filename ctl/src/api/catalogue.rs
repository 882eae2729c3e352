use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Api;
use super::error::ApiError;
use super::orders::Money;

/// A product to be created.
#[derive(Debug, Clone, Serialize)]
pub struct NewProduct<'a> {
    /// Its key.
    pub sku: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub description: &'a str,
    /// For one.
    pub price: Money,
    /// How many there are.
    pub stock: u32,
}

/// A product of `inventory`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Product {
    /// Its key.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// How many can be sold.
    pub available: i64,
    /// Fields this version of `shopctl` does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Api {
    /// Creates a product. ADMIN.
    ///
    /// # Errors
    /// [`ApiError`]; `sku-taken` when there is one.
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
