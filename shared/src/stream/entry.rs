//! Stream entries as Redis sends them.

use redis::{FromRedisValue, Value};

use crate::events::Envelope;

/// An entry of a stream; without fields when it was deleted or trimmed while it was pending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Option<Fields>,
}

/// Names and values, as they were sent.
pub(super) type Fields = Vec<(String, String)>;

/// The value of the first field of that name.
pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl Entry {
    /// The entry an envelope came in.
    pub(super) fn of(id: String, envelope: &Envelope) -> Self {
        let fields = envelope.fields().into_iter().map(|(field, value)| (field.to_owned(), value.into_owned())).collect();
        Self { id, fields: Some(fields) }
    }
}

/// The entries in an answer to XREADGROUP of one stream: `[[stream, [[id, [field, value, …]], …]]]`, or nil.
pub(super) fn entries_of_read(answer: Value) -> Vec<Entry> {
    let Value::Array(streams) = answer else { return Vec::new() };
    let Some(Value::Array(stream)) = streams.into_iter().next() else { return Vec::new() };
    stream.into_iter().nth(1).map(entries).unwrap_or_default()
}

/// The entries in an answer to XRANGE: `[[id, [field, value, …]], …]`.
pub(super) fn entries(answer: Value) -> Vec<Entry> {
    let Value::Array(list) = answer else { return Vec::new() };
    list.into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else { return None };
    let mut parts = parts.into_iter();
    let id = String::from_redis_value(parts.next()?).ok()?;
    let fields = parts.next().and_then(|fields| Fields::from_redis_value(fields).ok());
    // A deleted entry comes as nil, which reads as an empty list.
    Some(Entry { id, fields: fields.filter(|fields| !fields.is_empty()) })
}

/// The milliseconds in an entry id.
pub(super) fn milliseconds(id: &str) -> u64 {
    id.split('-').next().and_then(|part| part.parse().ok()).unwrap_or(0)
}

/// The id just below `id`: reading after it yields `id` first.
pub(super) fn id_before(id: &str) -> String {
    let (time, sequence) = id.split_once('-').unwrap_or((id, "0"));
    let (time, sequence): (u64, u64) = (time.parse().unwrap_or(0), sequence.parse().unwrap_or(0));
    match sequence.checked_sub(1) {
        Some(sequence) => format!("{time}-{sequence}"),
        None => format!("{}-{}", time.saturating_sub(1), u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_before_an_id_is_the_largest_smaller_one() {
        assert_eq!(id_before("5-3"), "5-2");
        assert_eq!(id_before("5-0"), "4-18446744073709551615");
    }
}
