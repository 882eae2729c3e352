use metrics::{Unit, describe_gauge};
use runtime::telemetry::{register_counter, register_counters};

use crate::domain::OrderStatus;

/// Describes what this service measures, and shows its counters as 0.
pub(super) fn register() {
    let statuses = OrderStatus::ALL.map(OrderStatus::as_str);
    register_counters("orderflow_orders_total", "Orders by the status they reached", "status", statuses);
    register_counter("orderflow_provider_errors_total", "Failed calls of the payment provider");
    register_counter("orderflow_orphan_charges_total", "Declined orders that the provider charged");
    register_counter("orderflow_refunds_refused_total", "Refunds that the provider refused for good");
    register_counter("orderflow_catalogue_repairs_total", "Products whose copy differed from inventory's");
    describe_gauge!("orderflow_charges_retried", "Charges that failed and are retried");
    describe_gauge!("orderflow_refunds_waiting", "Refunds that failed and are retried");
    for (name, help) in [
        ("orderflow_charges_retried_oldest_seconds", "Age of the oldest retried charge"),
        ("orderflow_refunds_waiting_oldest_seconds", "Age of the oldest waiting refund"),
    ] {
        describe_gauge!(name, Unit::Seconds, help);
    }
}
