use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{Broker, Outcome};
use crate::stream::StreamSettings;

/// The key, group and name of a consumer.
#[derive(Clone)]
pub struct ConsumerSpec {
    /// Without partition.
    pub stream: String,
    /// The stream, or one partition of it.
    pub key: String,
    pub group: String,
    pub consumer: String,
    pub settings: StreamSettings,
    pub broker: Broker,
    pub(super) metrics: ConsumerMetrics,
    panics: Arc<AtomicBool>,
}

impl ConsumerSpec {
    /// Takes the consumer name from `settings`.
    pub fn new(stream: &str, key: &str, group: &str, settings: &StreamSettings, broker: &Broker) -> Self {
        Self {
            stream: stream.to_owned(),
            key: key.to_owned(),
            group: group.to_owned(),
            consumer: settings.consumer_name.clone(),
            settings: settings.clone(),
            broker: broker.clone(),
            metrics: ConsumerMetrics::new(key, group),
            panics: Arc::default(),
        }
    }

    /// Injects a fault: the consumer panics during its next batch.
    pub fn make_panic(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }

    pub(super) fn rehearse_panic(&self) {
        assert!(!self.panics.swap(false, Ordering::Relaxed), "asked to panic by /ops/faults");
    }
}

#[derive(Clone)]
pub(super) struct ConsumerMetrics {
    pub processing: metrics::Histogram,
    pub end_to_end: metrics::Histogram,
    reclaimed: metrics::Counter,
    reclaimed_total: Arc<AtomicU64>,
    pub deleted_pending: metrics::Counter,
    outcomes: [(&'static str, metrics::Counter); 5],
    duplicates: metrics::Counter,
}

impl ConsumerMetrics {
    fn new(key: &str, group: &str) -> Self {
        let labels = [("stream", key.to_owned()), ("group", group.to_owned())];
        Self {
            processing: metrics::histogram!("orderflow_stream_processing_duration_seconds", &labels),
            end_to_end: metrics::histogram!("orderflow_stream_end_to_end_seconds", &labels),
            reclaimed_total: Arc::default(),
            reclaimed: metrics::counter!("orderflow_stream_reclaimed_total", &labels),
            deleted_pending: metrics::counter!("orderflow_stream_deleted_pending_total", &labels),
            outcomes: Outcome::LABELS.map(|outcome| (outcome, messages(key, group, outcome))),
            duplicates: metrics::counter!("orderflow_inbox_duplicates_total", "consumer" => group.to_owned()),
        }
    }

    pub(super) fn count_reclaimed(&self, entries: usize) {
        self.reclaimed.increment(entries as u64);
        self.reclaimed_total.fetch_add(entries as u64, Ordering::Relaxed);
    }

    pub(super) fn reclaimed_so_far(&self) -> u64 {
        self.reclaimed_total.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, outcome: &'static str, events: usize) {
        for (_, counter) in self.outcomes.iter().filter(|(label, _)| *label == outcome) {
            counter.increment(events as u64);
        }
        if outcome == "duplicate" {
            self.duplicates.increment(events as u64);
        }
    }
}

fn messages(key: &str, group: &str, outcome: &'static str) -> metrics::Counter {
    let labels = [("stream", key.to_owned()), ("group", group.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("orderflow_stream_messages_total", &labels)
}
