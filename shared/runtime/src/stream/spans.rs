//! The spans of publishing and handling, named as OpenTelemetry's conventions for messaging have it.

use std::time::SystemTime;

use super::{ConsumerSpec, Outcome, Received};
use crate::telemetry::{Attribute, Span, SpanKind, begin_span, record_span};
use events::Envelope;

/// A batch in its handler.
pub(super) struct Handling {
    began: SystemTime,
    events: usize,
}

impl Handling {
    pub(super) fn begin(events: usize) -> Self {
        Self { began: SystemTime::now(), events }
    }

    /// The span of one event of the batch. What is transient is still being handled.
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

/// The span of a publication that began at `began` and has just ended well.
pub(super) fn record_publication(stream: &str, envelope: &Envelope, began: SystemTime) {
    let Some(trace) = begin_span(&envelope.traceparent) else { return };
    record_span(trace, || {
        let (name, attributes) = (format!("publish {stream}").into(), attributes("send", stream, envelope));
        Span { kind: SpanKind::Producer, name, began, ended: SystemTime::now(), attributes, error: None }
    });
}

fn attributes(operation: &'static str, stream: &str, envelope: &Envelope) -> Vec<(&'static str, Attribute)> {
    let mut attributes = vec![
        ("messaging.system", "redis".into()),
        ("messaging.operation.type", operation.into()),
        ("messaging.destination.name", stream.to_owned().into()),
        ("messaging.message.id", envelope.id.to_string().into()),
        // The order's id; for a product its SKU.
        ("messaging.message.conversation_id", envelope.correlation_id.clone().into()),
        ("cloudevents.event_type", envelope.kind.clone().into()),
    ];
    attributes.extend(envelope.request_id.clone().map(|id| ("orderflow.request_id", id.into())));
    attributes
}
