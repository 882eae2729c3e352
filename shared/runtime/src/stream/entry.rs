use events::{Envelope, FIELD};
use redis::{FromRedisValue, Value};

use super::BrokerError;

/// `fields`: `None` when deleted or trimmed while pending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Option<Fields>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    pairs: Vec<(String, String)>,
    /// Invalid UTF-8 was replaced: for display only.
    is_damaged: bool,
}

impl Fields {
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn event(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_str(self.get(FIELD)?).ok()
    }
}

impl From<&Envelope> for Fields {
    fn from(envelope: &Envelope) -> Self {
        Self { pairs: vec![(FIELD.to_owned(), envelope.to_json())], is_damaged: false }
    }
}

/// XREADGROUP: `[[stream, [entry, …]]]`, or nil when empty.
pub(super) fn read(answer: Value) -> Result<Vec<Entry>, BrokerError> {
    let unexpected = || BrokerError::Unavailable("the answer is no reply to XREADGROUP".to_owned());
    let streams = match answer {
        Value::Nil => return Ok(Vec::new()),
        Value::Array(streams) => streams,
        _ => return Err(unexpected()),
    };
    match streams.into_iter().next() {
        Some(Value::Array(mut stream)) if stream.len() == 2 => Ok(entries(stream.swap_remove(1))),
        _ => Err(unexpected()),
    }
}

/// XRANGE: `[[id, [field, value, …]], …]`.
pub(super) fn entries(answer: Value) -> Vec<Entry> {
    let Value::Array(list) = answer else { return Vec::new() };
    list.into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else { return None };
    let mut parts = parts.into_iter();
    let id = String::from_redis_value(parts.next()?).ok()?;
    let fields = parts.next().and_then(|fields| <Vec<Vec<u8>>>::from_redis_value(fields).ok());
    Some(Entry { id, fields: fields.map(readable) })
}

fn readable(parts: Vec<Vec<u8>>) -> Fields {
    let mut is_damaged = false;
    let mut text = |part: Vec<u8>| {
        String::from_utf8(part).unwrap_or_else(|error| {
            is_damaged = true;
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })
    };
    let mut parts = parts.into_iter();
    let mut pairs = Vec::with_capacity(parts.len() / 2);
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        pairs.push((text(name), text(value)));
    }
    Fields { pairs, is_damaged }
}

/// Time and sequence number, which order the entries.
pub(super) fn parsed(id: &str) -> (u64, u64) {
    let (time, sequence) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
}

pub(super) fn milliseconds(id: &str) -> u64 {
    id.split('-').next().and_then(|part| part.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_compare_by_time_and_then_by_sequence() {
        assert!(parsed("5-10") > parsed("5-9") && parsed("10-0") > parsed("9-7"));
    }

    #[test]
    fn what_is_no_utf_8_is_damaged_and_not_gone() {
        let bulk = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
        let answer = Value::Array(vec![Value::Array(vec![
            bulk(b"5-0"),
            Value::Array(vec![bulk(b"id"), bulk(b"a\xff")]),
        ])]);
        let read = entries(answer).remove(0).fields.expect("fields");
        assert_eq!((read.get("id"), read.is_damaged()), (Some("a\u{fffd}"), true));
    }
}
