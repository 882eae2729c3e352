//! The payment service: orders, charges, refunds.

pub mod actors;
pub mod consumers;
pub mod domain;
pub mod http;
pub mod product_source;
pub mod provider;
pub mod settings;
pub mod startup;
pub mod store;

pub const SERVICE: &str = "payment";
