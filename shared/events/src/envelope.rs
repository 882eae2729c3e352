//! The envelope: CloudEvents 1.0 attributes as the fields of a stream entry.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;
use crate::trace_context::{Origin, TraceContext};

/// An event with everything that travels beside its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub kind: String,
    /// The service that published it.
    pub source: String,
    pub subject: String,
    pub time: Timestamp,
    pub traceparent: String,
    /// What the whole saga is about: the order id (for a product: its SKU). Decides the partition.
    #[serde(rename = "correlationid")]
    pub correlation_id: String,
    /// The event that led to this one.
    #[serde(rename = "causationid", default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The `X-Request-Id` of the request that began the saga.
    #[serde(rename = "requestid", default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Set on a redriven dead letter: only this group handles the entry.
    #[serde(rename = "redrivegroup", default, skip_serializing_if = "Option::is_none")]
    pub redrive_group: Option<String>,
    /// The event's data, as JSON text.
    pub data: String,
}

/// Why an entry cannot be read as an event. Trying again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    #[error("field `{field}` is malformed: {why}")]
    Malformed { field: &'static str, why: String },
    #[error("unknown event type `{found}`; this consumer understands `{expected}`")]
    UnknownType { found: String, expected: &'static str },
    #[error("data is not a valid `{kind}`: {why}")]
    Data { kind: &'static str, why: String },
}

impl Envelope {
    /// Wraps an event that begins or continues the saga `correlation_id`.
    pub fn new<E: Event>(event: &E, source: &str, correlation_id: String, origin: impl Into<Origin>) -> Self {
        let Origin { trace, request_id } = origin.into();
        Self {
            id: Uuid::now_v7(),
            kind: E::TYPE.to_owned(),
            source: source.to_owned(),
            subject: event.subject(),
            time: Timestamp::now(),
            traceparent: trace.to_string(),
            correlation_id,
            causation_id: None,
            request_id,
            redrive_group: None,
            data: data(event),
        }
    }

    /// Wraps an event caused by this one: same subject, same correlation, same trace, same span.
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
            data: data(event),
        }
    }

    /// The typed event.
    ///
    /// # Errors
    /// The type or its version is another one, or the data does not fit it.
    pub fn decode<E: Event>(&self) -> Result<E, EnvelopeError> {
        if self.kind != E::TYPE {
            return Err(EnvelopeError::UnknownType { found: self.kind.clone(), expected: E::TYPE });
        }
        serde_json::from_str(&self.data)
            .map_err(|e| EnvelopeError::Data { kind: E::TYPE, why: e.to_string() })
    }

    /// All of it as JSON: how it is stored.
    pub fn to_json(&self) -> String {
        plain_json(self, TYPICAL + self.data.len())
    }

    /// The fields of the stream entry, in contract order.
    pub fn fields(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut fields = Vec::with_capacity(13);
        fields.extend([
            ("specversion", Cow::Borrowed("1.0")),
            ("id", self.id.to_string().into()),
            ("type", Cow::Borrowed(self.kind.as_str())),
            ("source", Cow::Borrowed(self.source.as_str())),
            ("subject", Cow::Borrowed(self.subject.as_str())),
            ("time", self.time.to_string().into()),
            ("datacontenttype", Cow::Borrowed("application/json")),
            ("traceparent", Cow::Borrowed(self.traceparent.as_str())),
            ("correlationid", Cow::Borrowed(self.correlation_id.as_str())),
        ]);
        fields.extend(self.causation_id.map(|id| ("causationid", id.to_string().into())));
        fields.extend(self.request_id.as_deref().map(|id| ("requestid", id.into())));
        fields.extend(self.redrive_group.as_deref().map(|group| ("redrivegroup", group.into())));
        fields.push(("data", Cow::Borrowed(self.data.as_str())));
        fields
    }

    /// Reads the fields of a stream entry. Fields it does not know are ignored.
    ///
    /// # Errors
    /// A field is missing or malformed.
    pub fn from_fields<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, EnvelopeError> {
        let mut found = [None; NAMES.len()];
        for (name, value) in fields {
            if let Some(place) = NAMES.iter().position(|known| *known == name) {
                found[place] = Some(value);
            }
        }
        let [
            id,
            kind,
            source,
            subject,
            time,
            correlation_id,
            data,
            traceparent,
            causation_id,
            request_id,
            redrive_group,
        ] = found;
        let required = |name, value: Option<&'a str>| value.ok_or(EnvelopeError::Missing(name));
        Ok(Self {
            id: parse("id", required("id", id)?)?,
            time: parse("time", required("time", time)?)?,
            causation_id: causation_id.map(|text| parse("causationid", text)).transpose()?,
            kind: required("type", kind)?.to_owned(),
            source: required("source", source)?.to_owned(),
            subject: required("subject", subject)?.to_owned(),
            traceparent: traceparent.map_or_else(|| TraceContext::root().to_string(), str::to_owned),
            correlation_id: required("correlationid", correlation_id)?.to_owned(),
            request_id: request_id.map(str::to_owned),
            redrive_group: redrive_group.map(str::to_owned),
            data: required("data", data)?.to_owned(),
        })
    }
}

fn data<E: Event>(event: &E) -> String {
    plain_json(event, TYPICAL_DATA)
}

/// What cannot fail to be JSON, in a text that begins with room for so many bytes.
pub fn plain_json<T: Serialize>(plain: &T, room: usize) -> String {
    let mut json = Vec::with_capacity(room);
    serde_json::to_writer(&mut json, plain).unwrap_or_else(|e| unreachable!("events are plain data: {e}"));
    String::from_utf8(json).unwrap_or_else(|e| unreachable!("JSON is text: {e}"))
}

/// Bytes of the data of an event of one line.
const TYPICAL_DATA: usize = 320;

/// Bytes of an envelope beside its data, and of the escapes in that.
const TYPICAL: usize = 768;

/// The fields that are read; the first seven must be there.
const NAMES: [&str; 11] = [
    "id",
    "type",
    "source",
    "subject",
    "time",
    "correlationid",
    "data",
    "traceparent",
    "causationid",
    "requestid",
    "redrivegroup",
];

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: &str,
) -> Result<T, EnvelopeError> {
    text.parse().map_err(|e: T::Err| EnvelopeError::Malformed { field, why: e.to_string() })
}
