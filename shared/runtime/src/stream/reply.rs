//! Replies to XREADGROUP as they come over the wire (RESP2), made into entries.
//!
//! By hand, because redis-rs makes a value of every string in them: 26 an entry, 8 µs, a fourteenth of all
//! the processor time an order took. Here a whole answer is copied once.

use std::{borrow::Cow, sync::Arc};

use redis::Value;

use super::{
    BrokerError,
    entry::{Entry, Fields},
};

/// The end of a reply, found as its bytes come in.
#[derive(Debug)]
pub(super) struct End {
    /// So far everything was read.
    at: usize,
    /// Items that are still to come.
    open: usize,
}

impl Default for End {
    fn default() -> Self {
        Self { at: 0, open: 1 }
    }
}

impl End {
    /// How long the reply at the start of `bytes` is; `None` until all of it is there.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, BrokerError> {
        while self.open > 0 {
            let mut rest = Items(bytes.get(self.at..).unwrap_or_default());
            match rest.skip()? {
                None => return Ok(None),
                Some(inside) => self.open += inside,
            }
            self.open -= 1;
            self.at = bytes.len() - rest.0.len();
        }
        Ok(Some(self.at))
    }
}

/// The entries in a reply to XREADGROUP of one stream: `[[stream, [[id, [field, value, …]], …]]]`, or nil
/// when there were none.
///
/// # Errors
/// Redis refused, or this is another reply.
pub(super) fn entries(reply: &[u8]) -> Result<Vec<Entry>, BrokerError> {
    let mut items = Items(reply);
    match items.list() {
        Some(Some(1)) => {}
        Some(None) => return Ok(Vec::new()),
        // What is not a list is short: an error most of all.
        _ => return other(reply).and_then(|_| Err(unexpected())),
    }
    // An answer in which anything is no UTF-8 is put together anew, entry by entry.
    let text: Option<Arc<str>> = str::from_utf8(reply).ok().map(Arc::from);
    let entries = (|| {
        items.list()??;
        items.text()??;
        let count = items.list()??;
        (0..count).map(|_| items.entry(text.as_ref())).collect::<Option<Vec<Entry>>>()
    })();
    entries.ok_or_else(unexpected)
}

/// Any other reply.
///
/// # Errors
/// Redis refused.
pub(super) fn other(reply: &[u8]) -> Result<Value, BrokerError> {
    Ok(redis::parse_redis_value(reply)?.extract_error()?)
}

fn unexpected() -> BrokerError {
    BrokerError::Unavailable("it answered something that is no reply to XREADGROUP".to_owned())
}

const LINE_END: &[u8] = b"\r\n";

/// What is left of a reply.
struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    /// The first line: what kind of item it begins, and what is said of it.
    fn line(&mut self) -> Option<(u8, &'a [u8])> {
        let length = self.0.windows(2).position(|pair| pair == LINE_END)?;
        let (line, rest) = self.0.split_at(length);
        let (kind, said) = line.split_first()?;
        self.0 = rest.get(2..)?;
        Some((*kind, said))
    }

    /// Goes over one item, but not over those inside a list: their number. `None` while the item is not
    /// complete.
    fn skip(&mut self) -> Result<Option<usize>, BrokerError> {
        let malformed = || BrokerError::Unavailable("it answered something that is not RESP2".to_owned());
        let Some((kind, said)) = self.line() else { return Ok(None) };
        match kind {
            b'+' | b'-' | b':' => Ok(Some(0)),
            b'*' => Ok(Some(number(said).ok_or_else(malformed)?.unwrap_or(0))),
            b'$' => match number(said).ok_or_else(malformed)? {
                None => Ok(Some(0)),
                Some(length) => Ok(self.take(length).map(|_| 0)),
            },
            _ => Err(malformed()),
        }
    }

    /// That many bytes and the end of their line.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.0.get(..length)?;
        self.0 = self.0.get(length.checked_add(LINE_END.len())?..)?;
        Some(taken)
    }

    /// The number of items in the list that begins here; `Some(None)` for nil.
    fn list(&mut self) -> Option<Option<usize>> {
        match self.line()? {
            (b'*' | b'$', b"-1") => Some(None),
            (b'*', said) => number(said),
            _ => None,
        }
    }

    /// The string that begins here; `Some(None)` for nil.
    fn text(&mut self) -> Option<Option<&'a [u8]>> {
        match self.line()? {
            (b'$', said) => match number(said)? {
                None => Some(None),
                Some(length) => self.take(length).map(Some),
            },
            _ => None,
        }
    }

    /// The entry that begins here. `whole`: the answer that these are the last bytes of, if all of it is
    /// text.
    fn entry(&mut self, whole: Option<&Arc<str>>) -> Option<Entry> {
        self.list()??;
        let id = String::from_utf8_lossy(self.text()??).into_owned();
        // An entry that was deleted or trimmed while it was pending has nil here.
        let Some(parts) = self.list()? else { return Some(Entry { id, fields: None }) };
        let fields = match whole {
            Some(whole) => self.fields_in(whole, parts)?,
            None => self.fields_by_themselves(parts)?,
        };
        Some(Entry { id, fields: Some(fields) })
    }

    fn fields_in(&mut self, whole: &Arc<str>, parts: usize) -> Option<Fields> {
        let mut places = Vec::with_capacity(parts);
        for _ in 0..parts {
            let length = self.text()??.len();
            let end = whole.len() - self.0.len() - LINE_END.len();
            places.push((u32::try_from(end - length).ok()?, u32::try_from(end).ok()?));
        }
        Some(Fields::of(Arc::clone(whole), places, false))
    }

    fn fields_by_themselves(&mut self, parts: usize) -> Option<Fields> {
        let (mut text, mut places, mut is_damaged) = (String::new(), Vec::with_capacity(parts), false);
        for _ in 0..parts {
            let (part, start) = (String::from_utf8_lossy(self.text()??), text.len());
            is_damaged |= matches!(part, Cow::Owned(_));
            text.push_str(&part);
            places.push((u32::try_from(start).ok()?, u32::try_from(text.len()).ok()?));
        }
        Some(Fields::of(text.into(), places, is_damaged))
    }
}

/// A length; `Some(None)` for the -1 of nil.
fn number(said: &[u8]) -> Option<Option<usize>> {
    if said == b"-1" {
        return Some(None);
    }
    let digit = |number: usize, byte: &u8| {
        number.checked_mul(10)?.checked_add(usize::from(byte.checked_sub(b'0').filter(|d| *d < 10)?))
    };
    (!said.is_empty()).then_some(())?;
    said.iter().try_fold(0, digit).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"*1\r\n*2\r\n$15\r\norder_completed\r\n*2\r\n\
        *2\r\n$3\r\n5-0\r\n*4\r\n$2\r\nid\r\n$2\r\n\r\n\r\n$4\r\ndata\r\n$0\r\n\r\n\
        *2\r\n$3\r\n5-1\r\n*-1\r\n";

    #[test]
    fn an_entry_keeps_its_id_and_its_fields_whatever_is_in_them() {
        let read = entries(TWO).expect("two entries");
        let fields: Vec<(&str, &str)> = read[0].fields.as_ref().expect("fields").iter().collect();
        assert_eq!(
            (read[0].id.as_str(), fields.as_slice()),
            ("5-0", [("id", "\r\n"), ("data", "")].as_slice())
        );
    }

    #[test]
    fn an_entry_that_was_trimmed_while_it_was_pending_has_no_fields() {
        assert_eq!(entries(TWO).expect("two entries")[1], Entry { id: "5-1".to_owned(), fields: None });
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_parted() {
        let more = [TWO, b"+OK\r\n"].concat();
        for parted in 0..=more.len() {
            let mut end = End::default();
            let first = end.find(&more[..parted]).expect("RESP2");
            assert_eq!(first, (parted >= TWO.len()).then_some(TWO.len()), "parted after {parted} bytes");
            assert_eq!(end.find(&more).expect("RESP2"), Some(TWO.len()), "parted after {parted} bytes");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_damaged_and_shown_as_far_as_it_can_be_read() {
        let read =
            entries(b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$2\r\nid\r\n$2\r\na\xff\r\n")
                .expect("an entry");
        let fields = read[0].fields.as_ref().expect("fields");
        assert_eq!((fields.get("id"), fields.is_damaged()), (Some("a\u{fffd}"), true));
    }

    #[test]
    fn nothing_new_is_no_entry() {
        assert_eq!(entries(b"*-1\r\n").expect("nil"), []);
        assert_eq!(entries(b"$-1\r\n").expect("nil"), []);
    }

    #[test]
    fn a_refusal_keeps_its_code() {
        let refused = entries(b"-NOGROUP No such key\r\n").expect_err("a refusal");
        assert!(refused.is_group_lost(), "{refused}");
    }

    #[test]
    fn what_is_no_reply_to_the_question_is_an_error() {
        for wrong in [
            b"+OK\r\n".as_slice(),
            b":1\r\n",
            b"*0\r\n",
            b"*1\r\n$1\r\nx\r\n",
            b"*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
        ] {
            entries(wrong).expect_err(&String::from_utf8_lossy(wrong));
        }
        for wrong in [b"HTTP/1.1 400\r\n".as_slice(), b"$x\r\n", b"*99999999999999999999999\r\n", b"$-2\r\n"]
        {
            End::default().find(wrong).expect_err(&String::from_utf8_lossy(wrong));
        }
    }
}
