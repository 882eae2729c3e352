//! The span of a handled event, named by OpenTelemetry's messaging conventions.

use std::time::SystemTime;

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
        let Some(trace) = received.span.filter(|_| !matches!(outcome, Outcome::Transient(_))) else { return };
        record_span(trace, || self.span(spec, received, outcome));
    }

    fn span<E>(&self, spec: &ConsumerSpec, received: &Received<E>, outcome: &Outcome) -> Span {
        let (outcome, error) = outcome.label();
        let mut attributes = attributes("process", &spec.key, &received.envelope);
        attributes.extend([
            ("messaging.consumer.group.name", spec.group.clone().into()),
            ("messaging.client.id", spec.consumer.clone().into()),
            ("messaging.batch.message_count", self.events.into()),
            ("orderflow.deliveries", received.deliveries.into()),
            ("orderflow.outcome", outcome.into()),
        ]);
        let name = format!("process {}", spec.stream).into();
        let error = error.map(str::to_owned);
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
