//! The Prometheus recorder.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::process_metrics;

/// A batch in its handler, or a transaction. A statement ends after 3 s (`database-statement-timeout`).
const SECONDS: [f64; 14] =
    [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// A cache hit, up to `request-timeout` (5 s) and what is answered late.
const REQUEST: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 6.0,
    10.0,
];
/// A wait lasts up to 30 s, and its answer up to `request-timeout` longer.
const WAIT: [f64; 15] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 31.0, 35.0];
/// 10 s is `claim-idle`; alerts begin at 30 s and 120 s, and a backlog is worked off in minutes.
const END_TO_END: [f64; 18] = [
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0,
    600.0,
];
/// Powers of two around the default of `commit-batch` (512).
const BATCH: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The content type of the text format.
pub const EXPOSITION: &str = "text/plain; version=0.0.4";

/// The metrics of this process.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// In the text format of Prometheus, those of the operating system included.
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        process_metrics::render(&mut text);
        text
    }

    /// Moves samples of histograms, which are kept until then, into their buckets.
    pub fn run_upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Returns the metrics; the first call installs their recorder.
pub fn install() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(build).clone()
}

fn build() -> Metrics {
    let handle = buckets().and_then(PrometheusBuilder::install_recorder).unwrap_or_else(|e| {
        unreachable!("the buckets are constants and the recorder is installed once: {e}")
    });
    describe();
    Metrics(handle)
}

fn buckets() -> Result<PrometheusBuilder, BuildError> {
    let of = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), &BATCH)?
        .set_buckets_for_metric(of("orderflow_http_request_duration_seconds"), &REQUEST)?
        .set_buckets_for_metric(of("orderflow_http_wait_duration_seconds"), &WAIT)?
        .set_buckets_for_metric(of("orderflow_stream_end_to_end_seconds"), &END_TO_END)
}

/// Describes a counter and shows it as 0: `rate` misses a first event that comes together with its series.
pub fn register_counter(name: &'static str, help: &'static str) {
    describe_counter!(name, help);
    _ = metrics::counter!(name);
}

/// As [`register_counter`], with a series for each value of a label.
pub fn register_counters(
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: impl IntoIterator<Item = &'static str>,
) {
    describe_counter!(name, help);
    values.into_iter().for_each(|value| _ = metrics::counter!(name, label => value));
}

/// Shows which build runs as `service`.
pub fn show_build(service: &'static str) {
    describe_gauge!("orderflow_build_info", "Always 1; the labels say which build this is");
    let labels = [
        ("service", service),
        ("version", build_info::VERSION),
        ("commit", build_info::COMMIT),
        ("rustc", build_info::RUSTC),
    ];
    metrics::gauge!("orderflow_build_info", &labels).set(1.0);
}

fn describe() {
    describe_histogram!(
        "orderflow_http_request_duration_seconds",
        Unit::Seconds,
        "Time from request to answer, of requests that did not wait for an order"
    );
    describe_histogram!(
        "orderflow_http_wait_duration_seconds",
        Unit::Seconds,
        "Time from request to answer, of requests that waited for an order to move (wait=N)"
    );
    describe_histogram!("orderflow_group_commit_batch_size", "Items in one transaction of the group commit");
    describe_histogram!(
        "orderflow_group_commit_duration_seconds",
        Unit::Seconds,
        "Time of one transaction of the group commit"
    );
    describe_counter!("orderflow_stream_messages_total", "Events by stream, group and outcome");
    describe_histogram!(
        "orderflow_stream_processing_duration_seconds",
        Unit::Seconds,
        "Time of one batch in its handler"
    );
    describe_histogram!(
        "orderflow_stream_end_to_end_seconds",
        Unit::Seconds,
        "Time from the event to its acknowledgement"
    );
    describe_gauge!(
        "orderflow_stream_length",
        "Entries in the stream, including those read and still untrimmed"
    );
    describe_gauge!("orderflow_stream_foreign_groups", "Consumer groups of other systems on the stream");
    describe_gauge!("orderflow_stream_unread", "Entries that the group has still to read");
    describe_gauge!("orderflow_stream_pending", "Entries that were read and are unacknowledged");
    describe_gauge!(
        "orderflow_stream_oldest_pending_seconds",
        Unit::Seconds,
        "Age of the oldest pending entry"
    );
    describe_counter!(
        "orderflow_stream_reclaimed_total",
        "Entries reclaimed from another consumer (XAUTOCLAIM)"
    );
    describe_counter!(
        "orderflow_stream_deleted_pending_total",
        "Pending entries whose data is missing in the stream"
    );
    describe_gauge!("orderflow_dead_letters", "Dead letters waiting for a decision");
    describe_gauge!("orderflow_outbox_unconfirmed", "Events whose effect is still unknown");
    describe_gauge!("orderflow_outbox_oldest_seconds", Unit::Seconds, "Age of the oldest unconfirmed event");
    describe_counter!("orderflow_outbox_republished_total", "Events republished by the sweep of the outbox");
    describe_counter!("orderflow_inbox_duplicates_total", "Events that had been processed before");
    describe_counter!("orderflow_actor_restarts_total", "Actors replaced, by kind and reason");
    describe_counter!("orderflow_recoveries_total", "Ends and losses that were recovered from, by kind");
    describe_gauge!("orderflow_actor_queue_depth", "Items accepted by an actor and not finished");
    describe_counter!("orderflow_admission_rejected_total", "Requests refused because the service was full");
    describe_counter!("orderflow_limited_total", "Calls refused because one caller made too many, by limit");
    describe_counter!("orderflow_token_cache_total", "Token checks by outcome of the cache");
    describe_counter!("orderflow_spans_exported_total", "Spans accepted by the collector");
    describe_counter!("orderflow_spans_dropped_total", "Spans dropped, by reason");
    describe_counter!(
        "orderflow_dead_letters_redriven_total",
        "Dead letters sent back to their stream by an ADMIN"
    );
    describe_counter!("orderflow_audit_records_total", "Records of the audit trail, by outcome");
    describe_counter!("orderflow_audit_lost_total", "Records of the audit trail that are in the log only");
    describe_counter!(
        "orderflow_audit_skipped_total",
        "Refused and failed requests beyond audit-refusals, which the audit trail only counts"
    );
    describe_gauge!("orderflow_db_pool_size", "PostgreSQL connections of this process");
    describe_gauge!("orderflow_db_pool_available", "Idle PostgreSQL connections of this process");
    describe_gauge!("orderflow_db_pool_waiting", "Callers waiting for a PostgreSQL connection");
}
