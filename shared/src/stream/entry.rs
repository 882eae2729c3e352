//! Stream entries as Redis sends them.

use redis::{FromRedisValue, Value};

use crate::events::Envelope;

/// Bytes of an event of one line.
const TYPICAL: usize = 1024;

/// An entry of a stream; without fields when it was deleted or trimmed while it was pending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Option<Fields>,
}

/// Names and values, as they were sent: one text, and where each of them ends in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    text: String,
    ends: Vec<usize>,
    /// Bytes that are no UTF-8 were replaced: good to look at, not to act on.
    is_damaged: bool,
}

impl Fields {
    /// Room for so many names and values.
    pub(super) fn with_capacity(parts: usize) -> Self {
        Self { text: String::with_capacity(TYPICAL), ends: Vec::with_capacity(parts), is_damaged: false }
    }

    /// Appends a name, or the value of the name before it.
    pub(super) fn push(&mut self, part: &str) {
        self.text.push_str(part);
        self.ends.push(self.text.len());
    }

    /// The same as it came.
    pub(super) fn push_bytes(&mut self, part: &[u8]) {
        // Not `from_utf8_lossy` at once: it goes byte by byte, and there are 26 parts in an entry.
        match str::from_utf8(part) {
            Ok(text) => self.push(text),
            Err(_) => {
                self.is_damaged = true;
                self.push(&String::from_utf8_lossy(part));
            }
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = |index: usize| index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let part = move |index| &self.text[starts(index)..self.ends[index]];
        (0..self.ends.len() / 2).map(move |pair| (part(2 * pair), part(2 * pair + 1)))
    }

    /// The value of the first field of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.push(name.as_ref());
            fields.push(value.as_ref());
        }
        fields
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
    let fields = parts.next().and_then(|fields| <Vec<(String, String)>>::from_redis_value(fields).ok());
    Some(Entry { id, fields: fields.map(Fields::from_iter) })
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
