//! `Prefer` (RFC 7240): lines and commas separate preferences, semicolons their parameters.
//!
//! Of a preference that is given twice the first one counts. What is unknown or malformed is ignored.

use std::{borrow::Cow, time::Duration};

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

static PREFER: HeaderName = HeaderName::from_static("prefer");

/// The longest wait of a request for an answer, in seconds; the contract's number.
pub const LONGEST_WAIT: u64 = 30;

/// `Prefer: wait=N`: how long the client waits for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferredWait(u64);

impl PreferredWait {
    /// `None` without such a preference. A longer wait than [`LONGEST_WAIT`] becomes that.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(&PREFER).filter_map(|line| line.to_str().ok());
        let value = lines.flat_map(|line| split(line, ',')).find_map(value_of_wait)?;
        let is_whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        is_whole.then(|| Self(value.parse().unwrap_or(u64::MAX).min(LONGEST_WAIT)))
    }

    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// `Preference-Applied: wait=N`.
    pub fn applied(self) -> (HeaderName, HeaderValue) {
        let value = HeaderValue::try_from(format!("wait={}", self.0));
        (
            HeaderName::from_static("preference-applied"),
            value.unwrap_or_else(|_| HeaderValue::from_static("wait")),
        )
    }
}

/// `?wait=N` or `Prefer: wait=N`, if it is one that a long poll takes.
pub(super) fn wanted_wait(request: &HttpRequest) -> Duration {
    let seconds = |text: &str| text.strip_prefix("wait=")?.parse().ok().filter(|wait| *wait <= LONGEST_WAIT);
    let in_query = request.query_string().split('&').find_map(seconds).map(Duration::from_secs);
    let preferred = || PreferredWait::read(request.headers()).map(PreferredWait::duration);
    in_query.or_else(preferred).unwrap_or_default()
}

/// The value of a preference called `wait`, empty without one.
fn value_of_wait(preference: &str) -> Option<Cow<'_, str>> {
    let preference = split(preference, ';').next()?;
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    name.trim().eq_ignore_ascii_case("wait").then(|| unquoted(value.trim()))
}

/// A token as it is; a quoted string without its quotes and backslashes.
fn unquoted(word: &str) -> Cow<'_, str> {
    let Some(inner) = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) else {
        return word.into();
    };
    let mut escaped = false;
    inner
        .chars()
        .filter(|letter| {
            escaped = *letter == '\\' && !escaped;
            !escaped
        })
        .collect()
}

/// Splits outside of quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        letter == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wait(lines: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static("prefer"), HeaderValue::from_static(line));
        }
        PreferredWait::read(&headers).map(|wait| wait.0)
    }

    #[test]
    fn a_wait_is_found_in_every_form_of_rfc_7240() {
        for lines in [
            &["wait=5"][..],
            &["Wait=5"],
            &["WAIT = 5"],
            &["wait=\"5\""],
            &["wait=\"\\5\""],
            &["wait=5; x=y"],
            &["wait=5;x=\"a;b,wait=9\""],
            &["respond-async, wait=5"],
            &["respond-async", "wait=5"],
            &["foo=\"a, wait=9\", wait=5"],
            &["foo; wait=9, wait=5"],
            &["wait=5, wait=9"],
            &["wait=5", "wait=9"],
            &[", ,wait=5,"],
        ] {
            assert_eq!(wait(lines), Some(5), "{lines:?}");
        }
        assert_eq!(wait(&["wait=0"]), Some(0));
    }

    #[test]
    fn a_wait_that_cannot_be_met_is_shortened_and_one_that_cannot_be_read_is_ignored() {
        assert_eq!(wait(&["wait=31"]), Some(LONGEST_WAIT));
        assert_eq!(wait(&["wait=99999999999999999999999"]), Some(LONGEST_WAIT));
        for lines in [
            &["wait"][..],
            &["wait="],
            &["wait=\"\""],
            &["wait=soon"],
            &["wait=-1"],
            &["wait=5.5"],
            &["wait=5 s"],
            &["await=5"],
            &["wait=x, wait=5"],
            &["respond-async"],
            &[],
        ] {
            assert_eq!(wait(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn only_a_valid_wait_gets_more_time() {
        let wait = |path: &str, prefer: &'static str| {
            let request = TestRequest::with_uri(path).insert_header(("prefer", prefer));
            wanted_wait(&request.to_http_request()).as_secs()
        };
        for (path, prefer, seconds) in [
            ("/orders?wait=7", "", 7),
            ("/orders?after_version=1&wait=30", "", 30),
            ("/orders", "respond-async, wait=5", 5),
            ("/orders", "wait=31", LONGEST_WAIT),
            ("/orders?await=7", "await=7", 0),
            ("/orders?wait=31", "", 0),
            ("/orders?wait=", "wait", 0),
            ("/orders?cursor=wait", "respond-async", 0),
        ] {
            assert_eq!(wait(path, prefer), seconds, "{path} {prefer}");
        }
    }
}
