//! `If-Match` and `If-None-Match` of changes.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderMap, IF_MATCH},
    },
};
use runtime::http::{self, EntityTags, Problem};

use crate::domain::{Precondition, Versions};

/// 428 without `If-Match`.
pub(super) fn required(request: &HttpRequest) -> Result<Precondition, Problem> {
    if request.headers().contains_key(IF_MATCH) {
        return optional(request.headers());
    }
    let detail = "Send the ETag of the product as `If-Match`, so that no other change is overwritten.";
    Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", detail))
}

/// Without the headers every version will do.
pub(super) fn optional(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let http::Precondition { if_match, if_none_match } = http::Precondition::read(headers)?;
    Ok(Precondition {
        one_of: if_match.map(|tags| versions(&tags, true)),
        none_of: if_none_match.map(|tags| versions(&tags, false)),
    })
}

/// A foreign ETag is no version.
fn versions(tags: &EntityTags, strongly: bool) -> Versions {
    match tags {
        EntityTags::Any => Versions::Any,
        EntityTags::Listed(tags) => {
            Versions::Listed(tags.iter().filter_map(|tag| tag.version(strongly)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn admitted(name: &str, value: &str) -> Option<bool> {
        let request = TestRequest::put().insert_header((name, value)).to_http_request();
        optional(request.headers()).ok().map(|precondition| precondition.admits(7))
    }

    #[test]
    fn only_a_strong_etag_of_the_version_or_a_star_admits_a_change() {
        for current in ["\"7\"", "*", "\"6\", \"7\"", "\"7-gzip\""] {
            assert_eq!(admitted("If-Match", current), Some(true), "{current}");
        }
        for other in ["\"8\"", "W/\"7\"", "\"abc\""] {
            assert_eq!(admitted("If-Match", other), Some(false), "{other}");
        }
        for malformed in ["7", "\"7", "*, \"7\""] {
            assert_eq!(admitted("If-Match", malformed), None, "{malformed}");
        }
        for known in ["\"7\"", "W/\"7\"", "*"] {
            assert_eq!(admitted("If-None-Match", known), Some(false), "{known}");
        }
        assert_eq!(admitted("If-None-Match", "\"8\""), Some(true));
    }

    #[test]
    fn a_change_without_if_match_is_refused_where_it_is_required() {
        let problem = required(&TestRequest::put().to_http_request()).unwrap_err();
        assert_eq!(
            (problem.status(), problem.code()),
            (StatusCode::PRECONDITION_REQUIRED, "precondition-required")
        );
    }
}
