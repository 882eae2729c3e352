//! The payment service: orders, charges, refunds.
//!
//! | module | contents |
//! | --- | --- |
//! | [`domain`] | carts, money, the order and its states |
//! | [`store`] | all SQL |
//! | [`provider`] | the payment provider: a trait, and a simulator with its own books |
//! | [`product_source`] | products that the catalogue copy lacks, read from inventory |
//! | [`actors`] | OrderDesk, Cashier, Catalogue, CatalogueSync, Reconciler |
//! | [`consumers`] | one stream a file |
//! | [`http`] | routes and their bodies |
//! | [`startup`] | the composition root: parts, start and shutdown |

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
