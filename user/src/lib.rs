//! Accounts, roles, keys and tokens: the only signer of the shop.

pub mod actors;
pub mod admin_account;
pub mod domain;
pub mod http;
mod preparation;
pub mod settings;
mod start_error;
pub mod startup;
pub mod store;
pub mod tokens;

/// Name in health, metrics, logs and events.
pub const SERVICE: &str = "user";
