//! The Prometheus recorder and what each metric means.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
pub use metrics_exporter_prometheus::PrometheusHandle;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// Seconds: from a cache hit (0.1 ms) to the longest long poll (30 s).
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Items in one transaction: powers of two up to the largest batch a setting allows by default.
const BATCH: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The recorder of this process; installed at the first call, the same handle at every later one.
pub fn install() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(build).clone()
}

fn build() -> PrometheusHandle {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), &BATCH));
    let handle = builder.and_then(PrometheusBuilder::install_recorder);
    let handle = handle.unwrap_or_else(|e| {
        unreachable!("the buckets are constants and the recorder is installed once: {e}")
    });
    describe();
    handle
}

fn describe() {
    describe_histogram!(
        "orderflow_http_request_duration_seconds",
        Unit::Seconds,
        "Time from request to answer"
    );
    describe_counter!("orderflow_orders_total", "Orders by the status they reached");
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
        "Entries in the stream, read ones included until they are trimmed"
    );
    describe_gauge!(
        "orderflow_stream_foreign_groups",
        "Groups of others that read the stream, or have stopped to"
    );
    describe_gauge!("orderflow_stream_unread", "Entries the group has not read yet");
    describe_gauge!("orderflow_stream_pending", "Entries read and not acknowledged");
    describe_gauge!(
        "orderflow_stream_oldest_pending_seconds",
        Unit::Seconds,
        "Age of the oldest pending entry"
    );
    describe_counter!(
        "orderflow_stream_reclaimed_total",
        "Entries taken over from another consumer (XAUTOCLAIM)"
    );
    describe_counter!(
        "orderflow_stream_deleted_pending_total",
        "Pending entries whose data was gone from the stream"
    );
    describe_gauge!("orderflow_dead_letters", "Dead letters waiting for a decision");
    describe_gauge!("orderflow_outbox_unconfirmed", "Events whose effect is not known yet");
    describe_gauge!("orderflow_outbox_oldest_seconds", Unit::Seconds, "Age of the oldest unconfirmed event");
    describe_counter!(
        "orderflow_outbox_republished_total",
        "Events published again by the sweep of the outbox: not confirmed in time, or to be published several times"
    );
    describe_counter!("orderflow_inbox_duplicates_total", "Events that had been processed before");
    describe_counter!("orderflow_actor_restarts_total", "Actors replaced, by kind and reason");
    describe_gauge!("orderflow_actor_queue_depth", "Items waiting in an actor");
    describe_counter!("orderflow_admission_rejected_total", "Requests refused because the service was full");
    describe_counter!("orderflow_token_cache_total", "Token checks by outcome of the cache");
    describe_counter!("orderflow_spans_exported_total", "Spans the collector has taken");
    describe_counter!("orderflow_spans_dropped_total", "Spans nobody will see, by reason");
    describe_gauge!("orderflow_db_pool_size", "PostgreSQL connections of this process");
    describe_gauge!("orderflow_db_pool_available", "Idle PostgreSQL connections of this process");
    describe_gauge!("orderflow_db_pool_waiting", "Callers waiting for a PostgreSQL connection");
}
