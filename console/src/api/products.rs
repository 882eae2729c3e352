use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Page, ROWS, Service};
use crate::text::{Moment, Money};

#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub description: String,
    pub price: Money,
    /// Pieces that a new order can get.
    pub available: i64,
    /// The ETag.
    pub version: i64,
    pub updated_at: Moment,
}

/// An entry of the stock ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Movement {
    pub delta: i64,
    pub balance: i64,
    pub reason: String,
    pub order_id: Option<String>,
    pub at: Moment,
}

/// After an adjustment.
#[derive(Debug, Clone, Deserialize)]
pub struct Stock {
    pub sku: String,
    pub stock: i64,
}

/// The details of a product that an operator changes.
#[derive(Debug)]
pub struct Details {
    pub name: String,
    pub description: String,
    /// In minor units.
    pub amount: i64,
    pub currency: String,
}

pub fn list(cursor: &str) -> Call<Page<Product>> {
    Call::get(Service::Inventory, ["products"]).query("limit", ROWS).query("cursor", cursor)
}

pub fn show(sku: &str) -> Call<Product> {
    Call::get(Service::Inventory, ["products", sku])
}

pub fn create(sku: &str, stock: i64, details: &Details) -> Call<Product> {
    let Details { name, description, amount, currency } = details;
    let price = json!({"amount": amount, "currency": currency});
    let body = json!({"sku": sku, "name": name, "description": description, "price": price, "stock": stock});
    Call::post(Service::Inventory, ["products"], body)
}

/// Refused if the product has another version now.
pub fn change(sku: &str, version: i64, details: &Details) -> Call<Product> {
    let Details { name, description, amount, currency } = details;
    let price = json!({"amount": amount, "currency": currency});
    let call = Call::new(Method::PUT, Service::Inventory, ["products", sku]);
    let body = json!({"name": name, "description": description, "price": price});
    call.json(body).header("If-Match", format!("\"{version}\""))
}

/// Once for each `key`.
pub fn adjust(sku: &str, delta: i64, reason: &str, key: &str) -> Call<Stock> {
    let body = json!({"delta": delta, "reason": reason});
    Call::post(Service::Inventory, ["products", sku, "stock"], body).header("Idempotency-Key", key)
}

/// Newest first.
pub fn movements(sku: &str, cursor: &str) -> Call<Page<Movement>> {
    let call = Call::get(Service::Inventory, ["products", sku, "movements"]);
    call.query("limit", ROWS).query("cursor", cursor)
}
