//! All SQL of this service.

use std::collections::BTreeMap;

mod catalogue;
mod ledger;
mod optimistic_insert;
mod order_list;
mod orders;
mod outcome;
mod pending;
mod place;
mod prices;
mod refunds;
mod retries;
mod settle;

pub use catalogue::{apply_product_changes, upsert_products};
pub use ledger::{ChargeEntry, ChargeLedger, PROVIDER_REFUSES, RefundEntry, RefundLedger};
pub use order_list::{OrderPage, SCAN_LIMIT, list_orders};
pub use orders::{find_order, progress_of, record_response};
pub use outcome::{ApplyOutcomes, OrderOutcome};
pub use pending::sweep_charges;
pub use place::PlaceOrders;
pub use prices::CatalogueChanges;
pub use refunds::{
    DueRefund, ParkRefunds, ParkedRefund, RefundState, give_up_refund, park_orphan_refund, postpone_refund,
    refund_states, settle_refund, take_due_refunds,
};
pub use retries::{DueCharge, ParkCharges, ParkedCharge, Waiting, take_due_charges, waiting};
pub use settle::{ChargeResult, SettleCharges, Settlement};

/// One counter lookup per status: lookups cost more than counting.
fn count_orders(statuses: impl Iterator<Item = &'static str>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    statuses.for_each(|status| *counts.entry(status).or_default() += 1);
    for (status, orders) in counts {
        metrics::counter!("orderflow_orders_total", "status" => status).increment(orders);
    }
}
