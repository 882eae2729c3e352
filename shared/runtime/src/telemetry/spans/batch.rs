//! Spans as OTLP (<https://opentelemetry.io/docs/specs/otlp/>).

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as Message, Status, span, status},
};
use prost::Message as _;
use uuid::Uuid;

use super::{Attribute, SpanKind, queue::FinishedSpan};

pub(super) fn resource(service: &str) -> Resource {
    let attributes = [
        ("service.name", service.to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", Uuid::new_v4().to_string()),
        ("service.namespace", "orderflow".to_owned()),
    ];
    let attributes =
        attributes.into_iter().map(|(key, text)| attribute(key, Attribute::Text(text.into()))).collect();
    Resource { attributes, ..Resource::default() }
}

pub(super) fn encode(resource: &Resource, spans: Vec<FinishedSpan>) -> Vec<u8> {
    let scope = InstrumentationScope { name: "orderflow".to_owned(), ..InstrumentationScope::default() };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: spans.into_iter().map(message).collect(),
        ..ScopeSpans::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource.clone()),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

fn message((trace, span): FinishedSpan) -> Message {
    let (trace_id, span_id, parent_span_id) = trace.ids();
    let status = span.error.map(|message| Status { message, code: status::StatusCode::Error.into() });
    Message {
        trace_id,
        span_id,
        parent_span_id,
        name: span.name.into_owned(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: nanoseconds(span.began),
        end_time_unix_nano: nanoseconds(span.ended),
        attributes: span.attributes.into_iter().map(|(key, value)| attribute(key, value)).collect(),
        status,
        flags: 1, // sampled, as every recorded span
        ..Message::default()
    }
}

fn kind(kind: SpanKind) -> span::SpanKind {
    match kind {
        SpanKind::Internal => span::SpanKind::Internal,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| since.as_nanos().try_into().ok()).unwrap_or(0)
}

fn attribute(key: &str, value: Attribute) -> KeyValue {
    let value = match value {
        Attribute::Text(text) => Value::StringValue(text.into_owned()),
        Attribute::Number(number) => Value::IntValue(number),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
