//! All SQL of this service.

use std::collections::BTreeMap;

mod catalogue;
mod ledger;
mod orders;
mod outcome;
mod pending;
mod place;
mod presumption;
mod prices;
mod settle;

pub use catalogue::{learn_products, product_changes};
pub use ledger::{ChargeEntry, ChargeLedger, RefundEntry, RefundLedger};
pub use orders::{LOOKED_AT, OrderPage, completed_among, find_order, list_orders, record_answer};
pub use outcome::{ApplyOutcomes, OrderOutcome};
pub use pending::pending_orders;
pub use place::PlaceOrders;
pub use settle::{SettleCharges, Settled, Settlement};

/// Counts orders that have come to these statuses; once a status, for looking a counter up costs more than counting.
fn count_orders(statuses: impl Iterator<Item = &'static str>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    statuses.for_each(|status| *counts.entry(status).or_default() += 1);
    for (status, orders) in counts {
        metrics::counter!("orderflow_orders_total", "status" => status).increment(orders);
    }
}
