//! The report of a load.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::{Latency, LoadStats};

/// The report of a load. Each order sent counts in one of `accepted`, `refused` and `unknown`. Each accepted
/// order that was followed counts in one of `confirmed`, `refunded`, `declined` and `open`.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The seed of the plan.
    pub seed: u64,
    /// Seconds from the first order to the last one sent.
    pub sending_seconds: f64,
    /// Seconds from the first order to the final state of the last one.
    pub seconds: f64,
    /// Accepted orders a second while orders were sent.
    pub accepted_per_second: f64,
    /// Orders sent at least once.
    pub sent: u64,
    /// Orders answered with a 2xx.
    pub accepted: u64,
    /// Refused orders, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Orders with an unknown outcome.
    pub unknown: u64,
    /// Accepted orders without a final state within `patience`.
    pub open: u64,
    /// Confirmed orders.
    pub confirmed: u64,
    /// Refunded orders.
    pub refunded: u64,
    /// Declined orders.
    pub declined: u64,
    /// Time from the first attempt to the 2xx, retries included.
    pub acceptance: Latency,
    /// Time from the first attempt to the poll that finds the final state.
    pub to_end: Latency,
    /// Responses to orders and to polls, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Retries with the same key.
    pub retries: u64,
    /// Requests that failed to connect and were not sent.
    pub unreached: u64,
    /// Connections broken after the request was sent.
    pub resets: u64,
    /// Requests without a response in time.
    pub timeouts: u64,
    /// Requests that took more than 5 s, without the wait of a long poll; includes `timeouts`.
    pub slow: u64,
    /// Responses 429 and 503 without `Retry-After`.
    pub retry_after_missing: u64,
    /// Orders left out, because `in_flight` others were in flight when they were due.
    pub not_offered: u64,
    /// Ids of orders without a final state, and keys with an outcome that stayed unknown.
    pub stuck: Vec<Uuid>,
    /// The error of the client log. The load stops sending at the first one.
    pub log_failure: Option<String>,
}

impl LoadReport {
    pub(super) fn new(
        stats: &LoadStats,
        seed: u64,
        sending: Duration,
        whole: Duration,
        stuck: Vec<Uuid>,
        log_failure: Option<String>,
    ) -> Self {
        Self {
            seed,
            sending_seconds: sending.as_secs_f64(),
            seconds: whole.as_secs_f64(),
            // Avoids a division by zero.
            accepted_per_second: stats.accepted() as f64 / sending.as_secs_f64().max(f64::EPSILON),
            sent: stats.sent(),
            accepted: stats.accepted(),
            refused: stats.refused(),
            unknown: stats.unknown(),
            open: stats.open(),
            confirmed: stats.confirmed(),
            refunded: stats.refunded(),
            declined: stats.declined(),
            acceptance: stats.acceptance(),
            to_end: stats.to_end(),
            statuses: stats.statuses(),
            retries: stats.retries.get(),
            unreached: stats.unreached.get(),
            resets: stats.resets.get(),
            timeouts: stats.timeouts.get(),
            slow: stats.slow.get(),
            retry_after_missing: stats.retry_after_missing.get(),
            not_offered: stats.not_offered.get(),
            stuck,
            log_failure,
        }
    }

    /// Whether no order is stuck and the client log is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stuck.is_empty() && self.log_failure.is_none()
    }
}
