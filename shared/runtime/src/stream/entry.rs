//! Stream entries as Redis sends them.

use std::{borrow::Cow, sync::Arc};

use redis::{FromRedisValue, Value};

use events::Envelope;

/// An entry of a stream; without fields when it was deleted or trimmed while it was pending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Option<Fields>,
}

/// Names and values, as they were sent: where each of them begins and ends in a text, which all entries of
/// one answer share.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    text: Arc<str>,
    parts: Vec<(u32, u32)>,
    /// Bytes that are no UTF-8 were replaced: good to look at, not to act on.
    is_damaged: bool,
}

impl Fields {
    /// A name and its value in turn, each from one byte of `text` to another.
    pub(super) fn of(text: Arc<str>, parts: Vec<(u32, u32)>, is_damaged: bool) -> Self {
        Self { text, parts, is_damaged }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let part = |(start, end): (u32, u32)| self.text.get(start as usize..end as usize).unwrap_or_default();
        self.parts.chunks_exact(2).map(move |pair| (part(pair[0]), part(pair[1])))
    }

    /// The value of the first field of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let (mut text, mut parts) = (String::new(), Vec::new());
        let mut push = |part: &str| {
            let start = text.len() as u32;
            text.push_str(part);
            parts.push((start, text.len() as u32));
        };
        for (name, value) in pairs {
            push(name.as_ref());
            push(value.as_ref());
        }
        Self { text: text.into(), parts, is_damaged: false }
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.is_damaged == other.is_damaged && self.iter().eq(other.iter())
    }
}

impl Entry {
    /// The entry an envelope came in.
    pub(super) fn of(id: String, envelope: &Envelope) -> Self {
        Self { id, fields: Some(envelope.fields().into_iter().collect()) }
    }
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
    let fields = parts.next().and_then(|fields| <Vec<Vec<u8>>>::from_redis_value(fields).ok());
    Some(Entry { id, fields: fields.map(readable) })
}

/// Names and values in turn; bytes that are no UTF-8 are replaced, and the fields damaged.
fn readable(parts: Vec<Vec<u8>>) -> Fields {
    let texts: Vec<Cow<str>> = parts.iter().map(|part| String::from_utf8_lossy(part)).collect();
    let is_damaged = texts.iter().any(|text| matches!(text, Cow::Owned(_)));
    let pairs = texts.chunks_exact(2).map(|pair| (pair[0].as_ref(), pair[1].as_ref()));
    Fields { is_damaged, ..pairs.collect() }
}

/// The time and the sequence number of an entry id: ids compare as these do.
pub(super) fn parsed(id: &str) -> (u64, u64) {
    let (time, sequence) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
}

/// The milliseconds in an entry id.
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
