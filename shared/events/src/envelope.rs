//! A CloudEvent 1.0 as JSON: the field of a stream entry and the text of an outbox row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Event;
use crate::{
    objects,
    trace_context::{self, Origin, TraceContext},
};

/// The field of a stream entry.
pub const FIELD: &str = "event";

/// An event and its CloudEvents attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub id: Uuid,
    /// CloudEvents `type`.
    pub kind: String,
    pub source: String,
    pub subject: String,
    /// By the publisher's clock.
    pub time: Timestamp,
    /// As [`TraceContext::carried`]: with the `tracestate`.
    pub traceparent: String,
    /// Order id, or SKU of a product; determines the partition.
    pub correlation_id: String,
    pub causation_id: Option<Uuid>,
    /// `X-Request-Id` of the first request.
    pub request_id: Option<String>,
    /// On a redriven dead letter: the only group that handles it.
    pub redrive_group: Option<String>,
    /// A customer waits for the end of the saga: handlers commit it without delay.
    pub awaited: bool,
    /// JSON text.
    pub data: String,
}

/// An unreadable entry; a retry fails again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the entry has no field `{FIELD}`")]
    Missing,
    #[error("field `{FIELD}` is not a CloudEvent of this contract: {0}")]
    Malformed(String),
    #[error("unknown event type `{found}`; this consumer understands `{expected}`")]
    UnknownType { found: String, expected: &'static str },
    #[error("data is not a valid `{kind}`: {why}")]
    Data { kind: &'static str, why: String },
}

/// The document without its data, in contract order.
#[derive(Serialize)]
struct Attributes<'a> {
    specversion: &'static str,
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'a str,
    source: &'a str,
    subject: &'a str,
    time: Timestamp,
    datacontenttype: &'static str,
    traceparent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
    correlationid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requestid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redrivegroup: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    awaited: bool,
}

/// Unknown attributes are ignored.
#[derive(Deserialize)]
struct Document<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    subject: String,
    time: Timestamp,
    traceparent: Option<String>,
    tracestate: Option<String>,
    correlationid: String,
    causationid: Option<Uuid>,
    requestid: Option<String>,
    redrivegroup: Option<String>,
    #[serde(default)]
    awaited: bool,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Envelope {
    /// Wraps an event of the saga `correlation_id`.
    pub fn new<E: Event>(event: &E, source: &str, correlation_id: String, origin: impl Into<Origin>) -> Self {
        let Origin { trace, request_id } = origin.into();
        Self {
            id: Uuid::now_v7(),
            kind: E::TYPE.to_owned(),
            source: source.to_owned(),
            subject: event.subject(),
            time: Timestamp::now(),
            traceparent: trace.carried(),
            correlation_id,
            causation_id: None,
            request_id,
            redrive_group: None,
            awaited: false,
            data: data(event),
        }
    }

    /// Wraps a reply, with the same subject, saga and span.
    pub fn reply<E: Event>(&self, event: &E, source: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: E::TYPE.to_owned(),
            source: source.to_owned(),
            subject: self.subject.clone(),
            time: Timestamp::now(),
            traceparent: TraceContext::carried_on(&self.traceparent),
            correlation_id: self.correlation_id.clone(),
            causation_id: Some(self.id),
            request_id: self.request_id.clone(),
            redrive_group: None,
            awaited: self.awaited,
            data: data(event),
        }
    }

    /// Fails for another type or version, or invalid data.
    pub fn decode<E: Event>(&self) -> Result<E, EnvelopeError> {
        if self.kind != E::TYPE {
            return Err(EnvelopeError::UnknownType { found: self.kind.clone(), expected: E::TYPE });
        }
        objects::from_str(&self.data).map_err(|e| EnvelopeError::Data { kind: E::TYPE, why: e.to_string() })
    }

    pub fn to_json(&self) -> String {
        self.to_json_in(&self.traceparent)
    }

    /// The copy that is sent in the span `carried`.
    pub fn to_json_in(&self, carried: &str) -> String {
        let (traceparent, tracestate) = trace_context::split(carried);
        let attributes = Attributes {
            specversion: "1.0",
            id: self.id,
            kind: &self.kind,
            source: &self.source,
            subject: &self.subject,
            time: self.time,
            datacontenttype: "application/json",
            traceparent,
            tracestate,
            correlationid: &self.correlation_id,
            causationid: self.causation_id,
            requestid: self.request_id.as_deref(),
            redrivegroup: self.redrive_group.as_deref(),
            awaited: self.awaited,
        };
        let mut json = plain_json(&attributes, TYPICAL + self.data.len());
        // Inserting the data, already JSON, saves a parse.
        json.pop();
        json.push_str(",\"data\":");
        json.push_str(&self.data);
        json.push('}');
        json
    }

    /// Fails with [`EnvelopeError::Malformed`].
    pub fn from_json(text: &str) -> Result<Self, EnvelopeError> {
        let document: Document =
            objects::from_str(text).map_err(|error| EnvelopeError::Malformed(error.to_string()))?;
        let carried = |parent: String| trace_context::join(&parent, document.tracestate.as_deref());
        Ok(Self {
            id: document.id,
            kind: document.kind,
            source: document.source,
            subject: document.subject,
            time: document.time,
            traceparent: document.traceparent.map_or_else(|| TraceContext::root().carried(), carried),
            correlation_id: document.correlationid,
            causation_id: document.causationid,
            request_id: document.requestid,
            redrive_group: document.redrivegroup,
            awaited: document.awaited,
            data: document.data.get().to_owned(),
        })
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn data<E: Event>(event: &E) -> String {
    plain_json(event, TYPICAL_DATA)
}

/// Serializes plain data; panics on failure. `room`: expected bytes.
pub fn plain_json<T: Serialize>(plain: &T, room: usize) -> String {
    let mut json = Vec::with_capacity(room);
    serde_json::to_writer(&mut json, plain).unwrap_or_else(|e| unreachable!("events are plain data: {e}"));
    String::from_utf8(json).unwrap_or_else(|e| unreachable!("JSON is text: {e}"))
}

/// Bytes, with one order line.
const TYPICAL_DATA: usize = 320;

/// Bytes of a document without its data.
const TYPICAL: usize = 512;
