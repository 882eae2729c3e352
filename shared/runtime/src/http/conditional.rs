//! Conditional requests (RFC 9110, 13).
//!
//! ```text
//!   If-Match: strong comparison      false ──> 412
//!   If-None-Match: weak comparison   false ──> 304 to GET and HEAD, 412 to changes
//! ```
//!
//! The edge answers reads: every 200 with an ETag. Handlers of changes read a [`Precondition`] and let the
//! actor that owns the version decide. Nothing has a `Last-Modified`, so dates are ignored.

use actix_web::{
    body::BoxBody,
    dev::ServiceResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName},
    },
};

use super::{FieldError, Problem};

/// Ends the ETag of a compressed answer: another coding is another representation (RFC 9110, 8.8.3.3).
pub(super) const GZIP: &str = "-gzip";

/// The ETags of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`
    Any,
    Listed(Vec<EntityTag>),
}

/// An ETag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    is_weak: bool,
    /// Between the quotes.
    opaque: String,
}

/// What a request demands of the current state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// One of them must be current, by strong comparison.
    pub if_match: Option<EntityTags>,
    /// None of them may be current, by weak comparison.
    pub if_none_match: Option<EntityTags>,
}

impl EntityTag {
    /// Of a version of a resource.
    pub fn of_version(version: impl Into<i64>) -> String {
        format!("\"{}\"", version.into())
    }

    /// The version, unless the tag is of another server. A strong one if `strongly`.
    pub fn version(&self, strongly: bool) -> Option<i64> {
        if strongly && self.is_weak {
            return None;
        }
        self.opaque.strip_suffix(GZIP).unwrap_or(&self.opaque).parse().ok()
    }
}

impl EntityTags {
    /// `None` without the header. All lines of it are one list.
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, FieldError> {
        let mut lines = headers.get_all(name).peekable();
        if lines.peek().is_none() {
            return Ok(None);
        }
        let list = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect::<Vec<_>>().join(",");
        if list.trim() == "*" {
            return Ok(Some(Self::Any));
        }
        let wrong = || FieldError::new(canonical(name), "must be `*` or ETags such as \"7\", with commas");
        let tags = listed(&list).filter(|tags| !tags.is_empty()).ok_or_else(wrong)?;
        Ok(Some(Self::Listed(tags)))
    }

    fn has(&self, current: &EntityTag, strongly: bool) -> bool {
        let same =
            |tag: &EntityTag| tag.opaque == current.opaque && !(strongly && (tag.is_weak || current.is_weak));
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(same),
        }
    }
}

fn canonical(name: &HeaderName) -> &'static str {
    if *name == header::IF_MATCH { "If-Match" } else { "If-None-Match" }
}

/// Empty elements count for nothing (RFC 9110, 5.6.1).
fn listed(list: &str) -> Option<Vec<EntityTag>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (is_weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |rest| (true, rest));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        let after = after.trim_start_matches([' ', '\t']);
        if opaque.contains(|letter: char| letter <= ' ' || letter == '\u{7f}')
            || !(after.is_empty() || after.starts_with(','))
        {
            return None;
        }
        tags.push(EntityTag { is_weak, opaque: opaque.to_owned() });
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(tags)
}

impl Precondition {
    /// 400 for a header that is no list of ETags.
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let read = |name| EntityTags::read(headers, &name).map_err(|mistake| Problem::invalid(vec![mistake]));
        Ok(Self { if_match: read(header::IF_MATCH)?, if_none_match: read(header::IF_NONE_MATCH)? })
    }
}

/// What becomes of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    NotModified,
    Refused(Problem),
}

/// Judges the answer to a read, a 200 with an ETag, by the conditions of its request.
pub(super) fn judge(response: &ServiceResponse<BoxBody>) -> Verdict {
    let is_read = response.request().method() == Method::GET && response.status() == StatusCode::OK;
    let sent = response.request().headers();
    if !(is_read && (sent.contains_key(header::IF_NONE_MATCH) || sent.contains_key(header::IF_MATCH))) {
        return Verdict::Send;
    }
    let tag = response.headers().get(header::ETAG).and_then(|tag| listed(tag.to_str().ok()?)?.pop());
    let Some(tag) = tag else { return Verdict::Send };
    match Precondition::read(sent) {
        Err(malformed) => Verdict::Refused(malformed),
        Ok(Precondition { if_match: Some(wanted), .. }) if !wanted.has(&tag, true) => {
            let detail = format!("The ETag is \"{}\" now.", tag.opaque);
            Verdict::Refused(Problem::new(StatusCode::PRECONDITION_FAILED, "stale-version", detail))
        }
        Ok(Precondition { if_none_match: Some(known), .. }) if known.has(&tag, false) => Verdict::NotModified,
        Ok(_) => Verdict::Send,
    }
}

/// 304 instead of `response`.
pub(super) fn not_modified(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.map_body(|head, _| {
        head.status = StatusCode::NOT_MODIFIED;
        for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            head.headers.remove(name);
        }
        BoxBody::new(())
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{HttpResponse, http::header::HeaderValue, test::TestRequest};

    use super::*;

    fn status(etag: &'static str, lines: &[(HeaderName, &'static str)]) -> u16 {
        let request = lines.iter().fold(TestRequest::get(), |request, (name, value)| {
            request.append_header((name.clone(), HeaderValue::from_static(value)))
        });
        let response = HttpResponse::Ok().insert_header((header::ETAG, etag)).body("{}");
        let response = request.to_srv_request().into_response(response);
        match judge(&response) {
            Verdict::Send => 200,
            Verdict::NotModified => not_modified(response).status().as_u16(),
            Verdict::Refused(problem) => problem.status().as_u16(),
        }
    }

    #[test]
    fn a_read_of_what_the_client_has_is_a_304_by_weak_comparison() {
        let read = |value| status("\"7\"", &[(header::IF_NONE_MATCH, value)]);
        for known in ["\"7\"", "W/\"7\"", "*", " * ", "\"6\", \"7\"", "\"a,b\" ,W/\"7\"", ",\"7\","] {
            assert_eq!(read(known), 304, "{known}");
        }
        for other in ["\"8\"", "W/\"8\"", "\"7-gzip\"", "\"6\",\"8\""] {
            assert_eq!(read(other), 200, "{other}");
        }
        let lines = [(header::IF_NONE_MATCH, "\"6\""), (header::IF_NONE_MATCH, "\"7\"")];
        assert_eq!(status("\"7\"", &lines), 304);
    }

    #[test]
    fn a_read_of_another_state_than_if_match_names_is_a_412_by_strong_comparison() {
        let read = |value| status("\"7\"", &[(header::IF_MATCH, value)]);
        for current in ["\"7\"", "*", "\"6\", \"7\""] {
            assert_eq!(read(current), 200, "{current}");
        }
        for other in ["\"8\"", "W/\"7\""] {
            assert_eq!(read(other), 412, "{other}");
        }
    }

    #[test]
    fn if_match_is_looked_at_before_if_none_match() {
        let both =
            |matched, known| status("\"7\"", &[(header::IF_MATCH, matched), (header::IF_NONE_MATCH, known)]);
        assert_eq!(both("\"8\"", "\"7\""), 412);
        assert_eq!(both("\"7\"", "\"7\""), 304);
        assert_eq!(both("\"7\"", "\"8\""), 200);
    }

    #[test]
    fn what_is_no_list_of_etags_is_a_400() {
        for wrong in ["7", "\"7", "7\"", "w/\"7\"", "*, \"7\"", "\"7\" \"8\"", "", ",", "\"a b\"", "W/7"] {
            assert_eq!(status("\"7\"", &[(header::IF_NONE_MATCH, wrong)]), 400, "{wrong}");
            assert_eq!(status("\"7\"", &[(header::IF_MATCH, wrong)]), 400, "{wrong}");
        }
    }

    #[test]
    fn a_version_is_read_from_our_etags_only() {
        let version = |tag: &str, strongly| listed(tag).and_then(|tags| tags[0].version(strongly));
        assert_eq!(version(&EntityTag::of_version(7), true), Some(7));
        assert_eq!((version("\"7-gzip\"", true), version("W/\"7\"", false)), (Some(7), Some(7)));
        assert_eq!((version("W/\"7\"", true), version("\"abc\"", false)), (None, None));
    }
}
