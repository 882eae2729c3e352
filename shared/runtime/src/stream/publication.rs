//! The span of a publication, named by OpenTelemetry's messaging conventions. The copy in Redis carries this span,
//! and whoever handles it continues from there.

use std::time::SystemTime;

use events::{Envelope, TraceContext};
use opentelemetry::KeyValue;

use crate::telemetry::{Span, SpanKind, record_span};

/// `failed`: Redis refused the event.
pub(super) fn record_publication(
    trace: &TraceContext,
    (stream, envelope): (&str, &Envelope),
    began: SystemTime,
    failed: bool,
) {
    record_span(trace, || {
        let name = format!("publish {stream}").into();
        let attributes = attributes(("publish", "send"), stream, envelope);
        let error = failed.then(|| "refused".into());
        Span { kind: SpanKind::Producer, name, began, ended: SystemTime::now(), attributes, error }
    });
}

/// `operation`: its name, which begins the name of the span, and its type.
pub(super) fn attributes(
    operation: (&'static str, &'static str),
    stream: &str,
    envelope: &Envelope,
) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("messaging.system", "redis"),
        KeyValue::new("messaging.operation.name", operation.0),
        KeyValue::new("messaging.operation.type", operation.1),
        KeyValue::new("messaging.destination.name", stream.to_owned()),
        KeyValue::new("messaging.message.id", envelope.id.to_string()),
        // Order id or SKU.
        KeyValue::new("messaging.message.conversation_id", envelope.correlation_id.clone()),
        KeyValue::new("cloudevents.event_id", envelope.id.to_string()),
        KeyValue::new("cloudevents.event_source", envelope.source.clone()),
        KeyValue::new("cloudevents.event_type", envelope.kind.clone()),
    ];
    attributes.extend(envelope.request_id.clone().map(|id| KeyValue::new("orderflow.request_id", id)));
    attributes
}
