use runtime::telemetry::{register_counter, register_counters};

use crate::actors::DECISIONS;

/// Describes what this service counts, and shows it as 0.
pub(super) fn register() {
    register_counters(
        "orderflow_reservations_total",
        "Paid orders by the decision about their stock",
        "outcome",
        DECISIONS,
    );
    register_counter(
        "orderflow_oversell_guard_total",
        "Batches the database refused because stock would become negative",
    );
}
