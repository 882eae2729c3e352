//! The span of a handled event, named by OpenTelemetry's messaging conventions.

use std::time::SystemTime;

use opentelemetry::KeyValue;

use super::{ConsumerSpec, Outcome, Received, publication::attributes};
use crate::telemetry::{Span, SpanKind, record_span};

pub(super) struct Handling {
    began: SystemTime,
    events: usize,
}

impl Handling {
    pub(super) fn begin(events: usize) -> Self {
        Self { began: SystemTime::now(), events }
    }

    /// Skips a transient outcome: the event is handled again.
    pub(super) fn record<E>(&self, spec: &ConsumerSpec, received: &Received<E>, outcome: &Outcome) {
        let skipped = matches!(outcome, Outcome::Transient(_));
        let Some(trace) = received.span.as_ref().filter(|_| !skipped) else { return };
        record_span(trace, || self.span(spec, received, outcome));
    }

    fn span<E>(&self, spec: &ConsumerSpec, received: &Received<E>, outcome: &Outcome) -> Span {
        let (outcome, error) = outcome.label();
        let mut attributes = attributes(("process", "process"), &spec.key, &received.envelope);
        attributes.extend([
            KeyValue::new("messaging.consumer.group.name", spec.group.clone()),
            KeyValue::new("messaging.client.id", spec.consumer.clone()),
            // The convention has no name for what one message shared its transaction with.
            KeyValue::new("orderflow.batch_size", i64::try_from(self.events).unwrap_or(i64::MAX)),
            KeyValue::new("orderflow.deliveries", i64::from(received.deliveries)),
            KeyValue::new("orderflow.outcome", outcome),
        ]);
        attributes.extend(error.map(|why| KeyValue::new("orderflow.reason", why.to_owned())));
        let name = format!("process {}", spec.stream).into();
        let error = error.map(|_| outcome.into());
        Span {
            kind: SpanKind::Consumer,
            name,
            began: self.began,
            ended: SystemTime::now(),
            attributes,
            error,
        }
    }
}
