use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::{Latency, LoadStats};

/// A sent order is `accepted`, `refused` or `unknown`; an accepted, followed one is `confirmed`, `refunded`,
/// `declined` or `open`.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    pub seed: u64,
    /// Time from the first order to the last one sent.
    pub sending_seconds: f64,
    /// Time from the first order to the last final state.
    pub seconds: f64,
    /// Rate while orders are sent.
    pub accepted_per_second: f64,
    pub sent: u64,
    /// Orders answered with a 2xx.
    pub accepted: u64,
    /// By status.
    pub refused: BTreeMap<u16, u64>,
    pub unknown: u64,
    pub open: u64,
    pub confirmed: u64,
    pub refunded: u64,
    pub declined: u64,
    /// Time from the first attempt, retries included.
    pub acceptance: Latency,
    /// Time from the first attempt, retries included.
    pub to_end: Latency,
    /// Orders and polls, by status.
    pub statuses: BTreeMap<u16, u64>,
    pub retries: u64,
    /// Failed to connect.
    pub unreached: u64,
    pub resets: u64,
    pub timeouts: u64,
    /// Requests over 5 s, without the wait of a long poll; includes `timeouts`.
    pub slow: u64,
    /// Responses 429 and 503 without the header.
    pub retry_after_missing: u64,
    /// Orders left out, because `in_flight` others were in flight.
    pub not_offered: u64,
    /// Orders without a final state, keys with an unknown outcome.
    pub stuck: Vec<Uuid>,
    /// The load stops sending at the first error.
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

    /// True without stuck orders, with a complete client log.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stuck.is_empty() && self.log_failure.is_none()
    }
}
