//! The envelope: CloudEvents 1.0 attributes as the fields of a stream entry.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;
use crate::telemetry::{Origin, TraceContext};

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
            data: serde_json::to_string(event).unwrap_or_else(|e| unreachable!("events are plain data: {e}")),
        }
    }

    /// Wraps an event caused by this one: same correlation, same trace, same span.
    pub fn reply<E: Event>(&self, event: &E, source: &str) -> Self {
        let origin = Origin { trace: TraceContext::resume(&self.traceparent), request_id: self.request_id.clone() };
        Self { causation_id: Some(self.id), ..Self::new(event, source, self.correlation_id.clone(), origin) }
    }

    /// The typed event.
    ///
    /// # Errors
    /// The type or its version is another one, or the data does not fit it.
    pub fn decode<E: Event>(&self) -> Result<E, EnvelopeError> {
        if self.kind != E::TYPE {
            return Err(EnvelopeError::UnknownType { found: self.kind.clone(), expected: E::TYPE });
        }
        serde_json::from_str(&self.data).map_err(|e| EnvelopeError::Data { kind: E::TYPE, why: e.to_string() })
    }

    /// All of it as JSON: how it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("envelopes are plain data: {e}"))
    }

    /// The fields of the stream entry, in contract order.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("specversion", "1.0".to_owned()),
            ("id", self.id.to_string()),
            ("type", self.kind.clone()),
            ("source", self.source.clone()),
            ("subject", self.subject.clone()),
            ("time", self.time.to_string()),
            ("datacontenttype", "application/json".to_owned()),
            ("traceparent", self.traceparent.clone()),
            ("correlationid", self.correlation_id.clone()),
        ];
        fields.extend(self.causation_id.map(|id| ("causationid", id.to_string())));
        fields.extend(self.request_id.clone().map(|id| ("requestid", id)));
        fields.extend(self.redrive_group.clone().map(|group| ("redrivegroup", group)));
        fields.push(("data", self.data.clone()));
        fields
    }

    /// Reads the fields of a stream entry. Fields it does not know are ignored.
    ///
    /// # Errors
    /// A field is missing or malformed.
    pub fn from_fields(mut fields: HashMap<String, String>) -> Result<Self, EnvelopeError> {
        let mut take = |name: &'static str| fields.remove(name).ok_or(EnvelopeError::Missing(name));
        let id = parse("id", &take("id")?)?;
        let time = parse("time", &take("time")?)?;
        let causation_id = take("causationid").ok().map(|text| parse("causationid", &text)).transpose()?;
        Ok(Self {
            id,
            kind: take("type")?,
            source: take("source")?,
            subject: take("subject")?,
            time,
            traceparent: take("traceparent").unwrap_or_else(|_| TraceContext::root().to_string()),
            correlation_id: take("correlationid")?,
            causation_id,
            request_id: take("requestid").ok(),
            redrive_group: take("redrivegroup").ok(),
            data: take("data")?,
        })
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T, EnvelopeError> {
    text.parse().map_err(|e: T::Err| EnvelopeError::Malformed { field, why: e.to_string() })
}
