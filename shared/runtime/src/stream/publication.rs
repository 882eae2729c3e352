//! The span of a publication, named by OpenTelemetry's messaging conventions.

use std::time::SystemTime;

use events::Envelope;

use crate::telemetry::{Attribute, Span, SpanKind, begin_span, record_span};

pub(super) fn record_publication(stream: &str, envelope: &Envelope, began: SystemTime) {
    let Some(trace) = begin_span(&envelope.traceparent) else { return };
    record_span(trace, || {
        let name = format!("publish {stream}").into();
        let attributes = attributes("send", stream, envelope);
        Span { kind: SpanKind::Producer, name, began, ended: SystemTime::now(), attributes, error: None }
    });
}

pub(super) fn attributes(
    operation: &'static str,
    stream: &str,
    envelope: &Envelope,
) -> Vec<(&'static str, Attribute)> {
    let mut attributes = vec![
        ("messaging.system", "redis".into()),
        ("messaging.operation.type", operation.into()),
        ("messaging.destination.name", stream.to_owned().into()),
        ("messaging.message.id", envelope.id.to_string().into()),
        // Order id or SKU.
        ("messaging.message.conversation_id", envelope.correlation_id.clone().into()),
        ("cloudevents.event_type", envelope.kind.clone().into()),
    ];
    attributes.extend(envelope.request_id.clone().map(|id| ("orderflow.request_id", id.into())));
    attributes
}
