use std::{borrow::Cow, time::SystemTime};

use events::TraceContext;
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

pub use opentelemetry::trace::SpanKind;

/// A finished piece of work. Attributes follow OpenTelemetry's semantic conventions, 1.37.
#[derive(Debug)]
pub struct Span {
    pub kind: SpanKind,
    /// One of a few texts.
    pub name: Cow<'static, str>,
    pub began: SystemTime,
    pub ended: SystemTime,
    pub attributes: Vec<KeyValue>,
    /// The kind of failure, in few words (`error.type`); `None` for success.
    pub error: Option<Cow<'static, str>>,
}

impl Span {
    pub(super) fn of(mut self, trace: &TraceContext) -> SpanData {
        let (trace_id, span, parent) = trace.ids();
        let state = trace.state().and_then(|state| state.parse().ok()).unwrap_or(TraceState::NONE);
        let (trace_id, span_id) = (TraceId::from(trace_id), SpanId::from(span));
        let status = match self.error {
            None => Status::Unset,
            Some(error) => {
                self.attributes.push(KeyValue::new("error.type", error));
                Status::error("")
            }
        };
        SpanData {
            span_context: SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, state),
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: matches!(self.kind, SpanKind::Server | SpanKind::Consumer),
            span_kind: self.kind,
            name: self.name,
            start_time: self.began,
            end_time: self.ended,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: InstrumentationScope::builder("orderflow").build(),
        }
    }
}
