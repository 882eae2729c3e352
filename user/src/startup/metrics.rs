use runtime::telemetry::{register_counter, register_counters};

use crate::actors::{GRANTS, LOGINS};

/// Describes what this service counts, and shows it as 0.
pub(super) fn register() {
    register_counters("orderflow_logins_total", "Logins by outcome", "outcome", LOGINS);
    register_counters(
        "orderflow_client_tokens_total",
        "Requests of OAuth clients for a token, by outcome",
        "outcome",
        GRANTS,
    );
    register_counter("orderflow_registrations_total", "Accounts that registered");
    register_counter("orderflow_refresh_reuse_total", "Refresh tokens that were shown again");
}
