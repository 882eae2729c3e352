//! The span of a publication, named as OpenTelemetry's conventions for messaging have it.

use std::time::SystemTime;

use events::Envelope;

use crate::telemetry::{Attribute, Span, SpanKind, begin_span, record_span};

/// The span of a publication that began at `began` and has just ended well.
pub(super) fn record_publication(stream: &str, envelope: &Envelope, began: SystemTime) {
    let Some(trace) = begin_span(&envelope.traceparent) else { return };
    record_span(trace, || {
        let (name, attributes) = (format!("publish {stream}").into(), attributes("send", stream, envelope));
        Span { kind: SpanKind::Producer, name, began, ended: SystemTime::now(), attributes, error: None }
    });
}

/// The attributes that publishing and handling share.
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
        // The order's id; for a product its SKU.
        ("messaging.message.conversation_id", envelope.correlation_id.clone().into()),
        ("cloudevents.event_type", envelope.kind.clone().into()),
    ];
    attributes.extend(envelope.request_id.clone().map(|id| ("orderflow.request_id", id.into())));
    attributes
}
