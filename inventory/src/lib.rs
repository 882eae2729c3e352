//! Products and stock.
//!
//! ```text
//! http ──────────────────────────────┐
//!                                     ├─> StockDesk ──> Product (one per SKU: holds in memory)
//! order_completed ─> OrderCompletedHandler  │
//!                                     └──> WriteStock: one transaction a batch (inbox with reply + stock + ledger)
//!                                                └──> stock_reserved | refund_order
//! ```
//!
//! | module | contents |
//! | --- | --- |
//! | [`domain`] | SKUs, products, the shelf of one product, the decision over an order |
//! | [`store`] | all SQL |
//! | [`actors`] | `StockDesk`, `Product`, and the round that decides and commits orders |
//! | [`consumers`] | `order_completed` |
//! | [`http`] | the REST API |
//! | [`startup`] | the composition root: parts, start and shutdown |

pub mod actors;
pub mod consumers;
pub mod domain;
pub mod http;
pub mod settings;
pub mod startup;
pub mod store;

/// The name of this service in health, metrics, logs and events.
pub const SERVICE: &str = "inventory";
