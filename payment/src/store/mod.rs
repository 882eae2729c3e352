//! All SQL of this service.

mod catalogue;
mod ledger;
mod orders;
mod outcome;
mod place;
mod settle;

pub use catalogue::{learn_products, product_changes};
pub use ledger::{ChargeEntry, ChargeLedger, RefundEntry, RefundLedger};
pub use orders::{completed_among, find_order, forget_keys, list_orders, pending_orders, record_answer};
pub use outcome::{ApplyOutcomes, OrderOutcome};
pub use place::PlaceOrders;
pub use settle::{SettleCharges, Settled, Settlement};
