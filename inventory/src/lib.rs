//! Products and stock.
//!
//! ```text
//! http ──────────────────────────────┐
//!                                     ├─> StockDesk ──> Product (one per SKU: holds in memory)
//! order_completed ─> OrderCompletedHandler  │
//!                                     └──> WriteStock: one transaction a batch (inbox with reply + stock + ledger)
//!                                                └──> stock_reserved | refund_order
//! ```

pub mod actors;
pub mod consumers;
pub mod domain;
pub mod http;
pub mod settings;
pub mod startup;
pub mod store;

pub const SERVICE: &str = "inventory";
