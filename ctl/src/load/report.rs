//! What a load did, at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::{Latency, LoadStats};

/// Every order that was sent is in exactly one of `accepted`, `refused` and `unknown`; every accepted one, if
/// orders were followed, in exactly one of `confirmed`, `refunded`, `declined` and `open`.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// Of the plan.
    pub seed: u64,
    /// From the first order to the last one sent, in seconds.
    pub sending_seconds: f64,
    /// From the first order to the end of the last one, in seconds.
    pub seconds: f64,
    /// Accepted orders a second while orders were sent.
    pub accepted_per_second: f64,
    /// Orders sent at least once.
    pub sent: u64,
    /// Orders a 2xx came back for.
    pub accepted: u64,
    /// Orders that did not happen, by the status that said so.
    pub refused: BTreeMap<u16, u64>,
    /// Orders of which it is not known whether they happened.
    pub unknown: u64,
    /// Orders that were accepted and did not end while there was patience.
    pub open: u64,
    /// Orders that ended well.
    pub confirmed: u64,
    /// Orders paid back.
    pub refunded: u64,
    /// Orders that were not paid.
    pub declined: u64,
    /// From the first sending to the 2xx, retries included.
    pub acceptance: Latency,
    /// From the first sending to the sight of the end.
    pub to_end: Latency,
    /// Answers to orders and to looks at them, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Orders sent once more with the same key.
    pub retries: u64,
    /// Requests without a connection: nothing was sent.
    pub unreached: u64,
    /// Connections broken after the request was sent.
    pub resets: u64,
    /// Requests without an answer in time.
    pub timeouts: u64,
    /// Requests that took more than 5 s, without the time a long poll asked for; `timeouts` included.
    pub slow: u64,
    /// Answers 429 and 503 that did not say when to come back.
    pub retry_after_missing: u64,
    /// Orders that were due and found `in_flight` others on their way: they were left out.
    pub not_offered: u64,
    /// Orders without an end, and keys of which it never became known whether they happened.
    pub stuck: Vec<Uuid>,
    /// Why the client log could not be written. Nothing was sent any more from then on.
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
            // Nothing takes no time: a rate is a number.
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

    /// Whether everything is known: each order sent was accepted or refused, and each accepted one that was
    /// followed ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stuck.is_empty() && self.log_failure.is_none()
    }
}
