//! The messages of a PostgreSQL client, parsed to recognise a write and its end.
//!
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>: after the startup packet, a byte
//! of kind and a length of four bytes, itself included. `Sync` or `Query` ends a request.

use std::collections::HashSet;

/// `MAX_STARTUP_PACKET_LENGTH` of PostgreSQL; a longer packet is TLS.
const LONGEST_STARTUP: usize = 10_000;
/// `SSLRequest`, `GSSENCRequest`: another startup packet follows.
const NEGOTIATIONS: [u32; 2] = [80_877_103, 80_877_104];

#[derive(Debug, Default)]
pub(super) struct Frontend {
    /// An unfinished message.
    rest: Vec<u8>,
    started: bool,
    /// An unknown protocol passes unparsed.
    opaque: bool,
    writes: HashSet<Vec<u8>>,
    chosen: bool,
}

impl Frontend {
    /// Calls `choose(is_write)` for each request. `Some(n)`: the first `n` bytes complete a chosen one.
    pub(super) fn look(&mut self, piece: &[u8], mut choose: impl FnMut(bool) -> bool) -> Option<usize> {
        if self.opaque {
            return None;
        }
        let before = self.rest.len();
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        let mut at = 0;
        while let Some(length) = self.whole(&bytes[at..]) {
            let message = &bytes[at..at + length];
            at += length;
            if self.ends_chosen(message, &mut choose) {
                return Some(at - before);
            }
        }
        self.rest = bytes.split_off(at);
        None
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<usize> {
        let kind = usize::from(self.started);
        let length = usize::try_from(number(bytes.get(kind..kind + 4)?)).ok()?;
        self.opaque |= length < 4 || (!self.started && !(8..=LONGEST_STARTUP).contains(&length));
        (!self.opaque && bytes.len() >= kind + length).then_some(kind + length)
    }

    fn ends_chosen(&mut self, message: &[u8], choose: &mut impl FnMut(bool) -> bool) -> bool {
        if !self.started {
            self.started = !NEGOTIATIONS.contains(&number(&message[4..8]));
            return false;
        }
        let body = &message[5..];
        match message[0] {
            b'P' => self.remember(body),
            b'B' => self.chosen = self.chosen || choose(self.writes.contains(second_text(body))),
            b'Q' => self.chosen = choose(is_write(body)),
            _ => {}
        }
        self.chosen && matches!(message[0], b'S' | b'Q')
    }

    /// `Parse`: a name, then the statement.
    fn remember(&mut self, body: &[u8]) {
        let name = text(body);
        let statement = second_text(body);
        if is_write(statement) {
            self.writes.insert(name.to_vec());
        } else {
            self.writes.remove(name); // the unnamed one is used again and again
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Ends at a zero byte.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn second_text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).nth(1).unwrap_or_default()
}

fn is_write(statement: &[u8]) -> bool {
    let words = statement.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
    words.into_iter().any(|word| {
        ["insert", "update", "delete"].iter().any(|write| word.eq_ignore_ascii_case(write.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, body: &str) -> Vec<u8> {
        let length = u32::try_from(4 + body.len()).expect("short").to_be_bytes();
        [kind.as_bytes(), &length, body.as_bytes()].concat()
    }

    fn startup() -> Vec<u8> {
        let negotiation = [8_u32.to_be_bytes(), NEGOTIATIONS[0].to_be_bytes()].concat();
        [negotiation, message("", "\0\u{3}\0\0user\0me\0\0")].concat()
    }

    #[test]
    fn a_prepared_write_ends_with_its_sync_wherever_the_pieces_are_cut() {
        let prepare = [message("P", "s0\0INSERT INTO t VALUES ($1)\0\0\0"), message("S", "")].concat();
        let read =
            [message("P", "s1\0SELECT updated_at FROM t\0\0\0"), message("B", "\0s1\0"), message("S", "")]
                .concat();
        let write = [message("B", "\0s0\0"), message("E", "\0\0\0\0\0"), message("S", "")].concat();
        let next = message("Q", "SELECT 1\0");
        let end = startup().len() + prepare.len() + read.len() + write.len();
        let whole = [startup(), prepare, read, write, next].concat();
        for size in 1..=whole.len() {
            let mut frontend = Frontend::default();
            let mut passed = 0;
            let found = whole.chunks(size).find_map(|piece| {
                let found = frontend.look(piece, |is_write| is_write).map(|end| passed + end);
                passed += piece.len();
                found
            });
            assert_eq!(found, Some(end), "pieces of {size}");
        }
    }

    #[test]
    fn a_simple_query_is_its_own_end() {
        let mut frontend = Frontend::default();
        let whole = [startup(), message("Q", "delete from t\0"), message("Q", "SELECT 1\0")].concat();
        let end = startup().len() + message("Q", "delete from t\0").len();
        assert_eq!(frontend.look(&whole, |is_write| is_write), Some(end));
    }

    #[test]
    fn inside_tls_everything_goes_through() {
        let mut frontend = Frontend::default();
        assert_eq!(frontend.look(&startup()[..8], |_| true), None);
        assert_eq!(frontend.look(&[0x16, 3, 1, 2, 0, 1, 0, 1], |_| true), None);
        assert_eq!(frontend.look(&message("Q", "DELETE FROM t\0"), |_| true), None);
    }
}
