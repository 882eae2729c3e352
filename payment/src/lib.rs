//! The payment service: orders, charges, refunds.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`domain`] | carts, money, the order and its states: pure |
//! | [`store`] | all SQL |
//! | [`provider`] | the payment provider: a trait, and a simulator with books of its own |
//! | [`product_source`] | products the catalogue copy lacks, asked of inventory |
//! | [`actors`] | OrderDesk, Cashier, Catalogue, Reconciler |
//! | [`consumers`] | one stream a file |
//! | [`http`] | routes and their shapes |
//! | [`startup`] | who talks to whom |

pub mod actors;
pub mod consumers;
pub mod domain;
pub mod http;
pub mod product_source;
pub mod provider;
pub mod settings;
pub mod startup;
pub mod store;

/// The name of this service in health, metrics, logs and events.
pub const SERVICE: &str = "payment";
