use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Api, read, send};
use super::error::ApiError;
use super::list::Listed;
use super::money::Money;

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
    #[serde(default)]
    pub description: String,
    /// For one piece.
    pub price: Money,
    pub available: i64,
    /// Rises with every change of the details.
    #[serde(default)]
    pub version: i64,
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

    /// Lists the products on sale, by SKU; `search`: whose SKU or name begins with the text.
    pub async fn products(&self, search: Option<&str>, limit: usize) -> Result<Listed<Product>, ApiError> {
        let filter: Vec<_> = search.map(|text| ("q", text.to_owned())).into_iter().collect();
        self.list(&self.endpoints().inventory, "/products", &filter, limit).await
    }

    pub async fn product(&self, sku: &str) -> Result<Product, ApiError> {
        self.get(&self.endpoints().inventory, &format!("/products/{sku}")).await
    }

    /// Changes the price of a product as it was read, as ADMIN.
    ///
    /// # Errors
    /// `stale-version` after another change.
    pub async fn change_price(&self, read_as: &Product, price: &Money) -> Result<Product, ApiError> {
        let path = format!("/products/{}", read_as.sku);
        let body = json!({"name": read_as.name, "description": read_as.description, "price": price});
        let request = self.request(Method::PUT, &self.endpoints().inventory, &path);
        read(request.header("If-Match", format!("\"{}\"", read_as.version)).json(&body)).await
    }

    /// Takes a product off sale, as ADMIN.
    pub async fn delete_product(&self, sku: &str) -> Result<(), ApiError> {
        let path = format!("/products/{sku}");
        send(self.request(Method::DELETE, &self.endpoints().inventory, &path)).await.map(drop)
    }
}
